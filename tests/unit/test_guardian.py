"""A guardian in this process, holding a stack of fakes."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from theatre import FakeEngine

from stack import errors
from stack.engines import registry
from stack.guardian.guardian import Guardian
from stack.records import plans, state, timeline
from stack.records.control import Action, Command, Outcome, Reply
from stack.records.request import Request
from stack.records.timeline import Timeline
from stack.system import disk_space

Act = Callable[[Guardian], Coroutine[Any, Any, None]]
COMPOSE = {
    "name": "shop",
    "services": {"web": {"image": "a"}, "gateway": {"image": "b", "depends_on": ["web"]}},
}


class Stage:
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
        written = Timeline(self.run)

        async def play() -> int:
            held = Guardian(request, written)
            holding = asyncio.create_task(held.hold(lease))
            async with asyncio.timeout(10):
                while not holding.done() and "up" not in self.phases():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                if not holding.done():
                    await act(held)
                return await holding

        try:
            return asyncio.run(play())
        finally:
            written.close()

    def phases(self) -> list[str]:
        return [event.state for event in timeline.read(self.run) if event.kind == "stack"]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_a_lost_lease_ends_the_stack_and_leaves_nothing(stage: Stage) -> None:
    reading, writing = os.pipe()

    async def lose(held: Guardian) -> None:
        os.close(writing)

    assert stage.hold(lose, lease=reading) == 0
    os.close(reading)
    assert stage.phases() == ["up", "stopping", "down"]
    assert sorted(stage.engine.did[-2:]) == ["stop gateway", "stop web"]
    assert state.names() == ()


def test_a_stack_without_a_lease_lives_until_it_is_told_to_end(stage: Stage) -> None:
    async def down(held: Guardian) -> None:
        assert state.names() != ()
        restart = Command(action=Action.RESTART, services=("web",))
        assert await held._serve(restart) == Reply(outcome=Outcome.DONE)
        assert stage.engine.did.count("start web") == 2
        assert await held._serve(Command(action=Action.DOWN)) == Reply(outcome=Outcome.DONE)

    assert stage.hold(down) == 0
    assert stage.phases()[-1] == "down"


def test_a_dependent_restarts_with_its_dependency_where_the_file_says_so(stage: Stage) -> None:
    def after(name: str, *, restart: bool) -> dict[str, Any]:
        return {"image": "b", "depends_on": {name: {"condition": "service_started", "restart": restart}}}

    services = {"db": {"image": "a"}, "web": after("db", restart=True), "seed": after("db", restart=False)}
    services["gateway"] = after("web", restart=True)
    stage.file.write_text(json.dumps({"name": "shop", "services": services}))

    async def restart(held: Guardian) -> None:
        for action in (Action.RESTART, Action.START):
            await held._serve(Command(action=action, services=("db",)))
        counts = {name: stage.engine.did.count(f"start {name}") for name in services}
        assert counts == {
            "db": 2,
            "web": 2,
            "gateway": 2,
            "seed": 1,
        }  # a running service is not started again
        assert stage.engine.did.index("stop gateway") < stage.engine.did.index("stop db")
        held._end()

    assert stage.hold(restart) == 0


@pytest.mark.parametrize("engine", ["local", "docker"])
def test_replicas_that_are_not_started_are_said_at_the_start(stage: Stage, engine: str) -> None:
    services = {"w": {"image": "a", "deploy": {"replicas": 3}}, "s": {"image": "a", "scale": 2}}
    stage.file.write_text(json.dumps({"name": "shop", "services": {**services, "one": {"image": "a"}}}))
    assert stage.hold(end, engine=engine) == 0
    (note,) = [event.text for event in timeline.read(stage.run) if event.kind == "note"]
    assert "replicas" in note
    assert "w, s" in note


def test_an_unknown_service_is_named_and_changes_nothing(stage: Stage) -> None:
    async def restart(held: Guardian) -> None:
        reply = await held._serve(Command(action=Action.RESTART, services=("web", "db")))
        assert reply == Reply(outcome=Outcome.UNKNOWN_SERVICE, services=("db",))
        assert stage.engine.did.count("start web") == 1
        held._end()

    assert stage.hold(restart) == 0


def test_a_service_called_volumes_is_a_service(stage: Stage) -> None:
    async def down(held: Guardian) -> None:
        await held._serve(Command(action=Action.DOWN, services=("volumes",)))
        assert held._volumes is False

    assert stage.hold(down) == 0


def test_the_plan_is_what_was_started_whatever_the_files_say_later(stage: Stage) -> None:
    extra = {"image": "c", "profiles": ["extra"]}
    stage.file.write_text(json.dumps({"name": "shop", "services": {"web": {"image": "a"}, "tool": extra}}))

    async def read(held: Guardian) -> None:
        stage.file.write_text("services: [")
        assert sorted(plans.read(held._request.name).services) == ["tool", "web"]
        assert stat.S_IMODE(plans.plan_file(held._request.name).stat().st_mode) == 0o600
        held._end()

    assert stage.hold(read, profiles=("extra",)) == 0


async def nothing(held: Guardian) -> None: ...


async def end(held: Guardian) -> None:
    held._end()


def test_a_service_that_fails_ends_the_stack_with_its_own_code(stage: Stage) -> None:
    stage.engine.unbuildable = {"web"}
    assert stage.hold(nothing) == errors.ServiceFailed.code
    assert stage.phases()[0] == "failed"
    assert stage.phases()[-1] == "down"
    assert state.names() == ()


def test_a_file_that_cannot_be_run_is_an_error_with_its_code_not_a_crash(stage: Stage) -> None:
    stage.file.write_text("services: [")
    assert stage.hold(nothing) == errors.ComposeError.code
    (error,) = [event for event in timeline.read(stage.run) if event.kind == "error"]
    assert (error.code, "compose.yml" in error.text) == (errors.ComposeError.code, True)


@pytest.mark.parametrize(
    ("volume", "service"), [("../../shop", "web"), ("data", ".."), ("/etc", "web"), ("..", "web")]
)
def test_a_name_in_a_compose_file_that_would_leave_the_stack_s_folder_is_refused(
    stage: Stage, volume: str, service: str
) -> None:
    stage.file.write_text(
        json.dumps(
            {"name": "shop", "services": {service: {"image": "a"}}, "volumes": {"v": {"name": volume}}}
        )
    )
    assert stage.hold(nothing) == errors.ComposeError.code
    assert stage.engine.did == []


def test_a_full_disk_is_told_from_any_other_refusal() -> None:
    assert (
        disk_space.as_stack_error(OSError(28, "No space left", "/data"), run="").code == errors.DiskFull.code
    )
    assert disk_space.as_stack_error(OSError(13, "Permission denied"), run="").code == errors.StackError.code
