"""A guardian in this process that holds a stack on a fake engine."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from supervisor_harness import FakeEngine

from stack import errors
from stack.engines import registry
from stack.guardian.guardian import Guardian
from stack.records import folders, plans, timeline
from stack.records.control import Action, Command, Outcome, Reply
from stack.records.request import Request
from stack.records.timeline import Timeline
from stack.system import disk_space

Act = Callable[[Guardian], Coroutine[Any, Any, None]]
COMPOSE = {
    "name": "shop",
    "services": {"web": {"image": "a"}, "gateway": {"image": "b", "depends_on": ["web"]}},
}


class GuardianHarness:
    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self.file, self.engine = tmp_path / "run", tmp_path / "compose.yml", FakeEngine({})
        self.file.write_text(json.dumps(COMPOSE))
        monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(registry, "create", lambda name: self.engine)

    def hold(
        self, act: Act, *, lease: int | None = None, profiles: tuple[str, ...] = (), engine: str = "local"
    ) -> int:
        """Hold a stack, do something as soon as it is up or has failed, and return the exit code."""
        request = Request(
            name=f"shop-{os.getpid()}", files=(str(self.file),), engine=engine, work_tree="/w",
            run=str(self.run),
            profiles=profiles, ephemeral=True, deadline_s=2.0,
        )  # fmt: skip
        events = Timeline(self.run)

        async def play() -> int:
            guardian = Guardian(request, events)
            running = asyncio.create_task(guardian.hold(lease))
            async with asyncio.timeout(10):
                while not running.done() and "up" not in self.phases():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                if not running.done():
                    await act(guardian)
                return await running

        try:
            return asyncio.run(play())
        finally:
            events.close()

    def phases(self) -> list[str]:
        return [event.state for event in timeline.read(self.run) if event.kind == "stack"]


@pytest.fixture
def guardian_harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuardianHarness:
    return GuardianHarness(tmp_path, monkeypatch)


def test_a_lost_lease_ends_the_stack_and_leaves_nothing(guardian_harness: GuardianHarness) -> None:
    reading, writing = os.pipe()

    async def lose(guardian: Guardian) -> None:
        os.close(writing)

    assert guardian_harness.hold(lose, lease=reading) == 0
    os.close(reading)
    assert guardian_harness.phases() == ["up", "stopping", "down"]
    assert sorted(guardian_harness.engine.calls[-2:]) == ["stop gateway", "stop web"]
    assert folders.names() == ()


def test_a_stack_without_a_lease_lives_until_it_is_told_to_end(guardian_harness: GuardianHarness) -> None:
    async def down(guardian: Guardian) -> None:
        assert folders.names() != ()
        restart = Command(action=Action.RESTART, services=("web",))
        assert await guardian._serve(restart) == Reply(outcome=Outcome.DONE)
        assert guardian_harness.engine.calls.count("start web") == 2
        assert await guardian._serve(Command(action=Action.DOWN)) == Reply(outcome=Outcome.DONE)

    assert guardian_harness.hold(down) == 0
    assert guardian_harness.phases()[-1] == "down"


def test_a_dependent_restarts_with_its_dependency_where_the_file_says_so(
    guardian_harness: GuardianHarness,
) -> None:
    def after(name: str, *, restart: bool) -> dict[str, Any]:
        return {"image": "b", "depends_on": {name: {"condition": "service_started", "restart": restart}}}

    services = {"db": {"image": "a"}, "web": after("db", restart=True), "seed": after("db", restart=False)}
    services["gateway"] = after("web", restart=True)
    guardian_harness.file.write_text(json.dumps({"name": "shop", "services": services}))

    async def restart(guardian: Guardian) -> None:
        for action in (Action.RESTART, Action.START):
            await guardian._serve(Command(action=action, services=("db",)))
        counts = {name: guardian_harness.engine.calls.count(f"start {name}") for name in services}
        assert counts == {
            "db": 2,
            "web": 2,
            "gateway": 2,
            "seed": 1,
        }  # a running service is not started again
        assert guardian_harness.engine.calls.index("stop gateway") < guardian_harness.engine.calls.index(
            "stop db"
        )
        guardian._end()

    assert guardian_harness.hold(restart) == 0


@pytest.mark.parametrize("engine", ["local", "docker"])
def test_replicas_that_are_not_started_are_reported_at_the_start(
    guardian_harness: GuardianHarness, engine: str
) -> None:
    services = {"w": {"image": "a", "deploy": {"replicas": 3}}, "s": {"image": "a", "scale": 2}}
    guardian_harness.file.write_text(
        json.dumps({"name": "shop", "services": {**services, "one": {"image": "a"}}})
    )
    assert guardian_harness.hold(end, engine=engine) == 0
    (note,) = [event.text for event in timeline.read(guardian_harness.run) if event.kind == "note"]
    assert "replicas" in note
    assert "w, s" in note


def test_what_is_probably_a_mistake_is_marked_as_one(guardian_harness: GuardianHarness) -> None:
    web = {"image": "a", "environment": {"API_URL": "http://wbe:80"}}
    guardian_harness.file.write_text(json.dumps({"name": "shop", "services": {"web": web}}))
    assert guardian_harness.hold(end) == 0
    (mistake,) = [each.text for each in timeline.read(guardian_harness.run) if each.state == timeline.MISTAKE]
    assert mistake == "environment.API_URL refers to wbe, which is no service; did you mean web?"


def test_an_unknown_service_is_named_and_changes_nothing(guardian_harness: GuardianHarness) -> None:
    async def restart(guardian: Guardian) -> None:
        reply = await guardian._serve(Command(action=Action.RESTART, services=("web", "db")))
        assert reply == Reply(outcome=Outcome.UNKNOWN_SERVICE, services=("db",))
        assert guardian_harness.engine.calls.count("start web") == 1
        guardian._end()

    assert guardian_harness.hold(restart) == 0


def test_a_service_called_volumes_is_a_service(guardian_harness: GuardianHarness) -> None:
    async def down(guardian: Guardian) -> None:
        await guardian._serve(Command(action=Action.DOWN, services=("volumes",)))
        assert guardian._volumes is False

    assert guardian_harness.hold(down) == 0


def test_the_plan_is_what_was_started_whatever_the_files_say_later(guardian_harness: GuardianHarness) -> None:
    extra = {"image": "c", "profiles": ["extra"]}
    guardian_harness.file.write_text(
        json.dumps({"name": "shop", "services": {"web": {"image": "a"}, "tool": extra}})
    )

    async def read(guardian: Guardian) -> None:
        guardian_harness.file.write_text("services: [")
        assert sorted(plans.read(guardian._request.name).services) == ["tool", "web"]
        assert stat.S_IMODE(plans.plan_file(guardian._request.name).stat().st_mode) == 0o600
        guardian._end()

    assert guardian_harness.hold(read, profiles=("extra",)) == 0


async def nothing(guardian: Guardian) -> None: ...


async def end(guardian: Guardian) -> None:
    guardian._end()


def test_a_service_that_fails_ends_the_stack_with_its_own_code(guardian_harness: GuardianHarness) -> None:
    guardian_harness.engine.unbuildable = {"web"}
    assert guardian_harness.hold(nothing) == errors.ServiceFailed.code
    assert guardian_harness.phases()[0] == "failed"
    assert guardian_harness.phases()[-1] == "down"
    assert folders.names() == ()


def test_a_file_that_cannot_be_run_is_an_error_with_its_code_not_a_crash(
    guardian_harness: GuardianHarness,
) -> None:
    guardian_harness.file.write_text("services: [")
    assert guardian_harness.hold(nothing) == errors.ComposeError.code
    (error,) = [event for event in timeline.read(guardian_harness.run) if event.kind == "error"]
    assert (error.code, "compose.yml" in error.text) == (errors.ComposeError.code, True)


@pytest.mark.parametrize(
    ("volume", "service"), [("../../shop", "web"), ("data", ".."), ("/etc", "web"), ("..", "web")]
)
def test_a_name_in_a_compose_file_that_would_leave_the_stack_s_folder_is_refused(
    guardian_harness: GuardianHarness, volume: str, service: str
) -> None:
    guardian_harness.file.write_text(
        json.dumps(
            {"name": "shop", "services": {service: {"image": "a"}}, "volumes": {"v": {"name": volume}}}
        )
    )
    assert guardian_harness.hold(nothing) == errors.ComposeError.code
    assert guardian_harness.engine.calls == []


def test_a_full_disk_is_told_from_any_other_refusal() -> None:
    assert (
        disk_space.as_stack_error(OSError(28, "No space left", "/data"), run="").code == errors.DiskFull.code
    )
    assert disk_space.as_stack_error(OSError(13, "Permission denied"), run="").code == errors.StackError.code
