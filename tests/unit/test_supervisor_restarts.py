"""Services after they were ready: deaths, stops and restarts, as a supervisor handles them."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from supervisor_harness import OK, REFUSED, WRONG, Harness, kinds, service, until

from stack.engines.protocol import Exit
from stack.guardian import lifecycle, supervisor
from stack.guardian.service import ServiceRun
from stack.plan.plan import ServicePlan
from stack.records.service_logs import Log
from stack.records.timeline import Timeline


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    return Harness(tmp_path, monkeypatch)


def test_a_death_after_ready_is_reported(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(service("backend")) as stack:
            await stack.supervisor.bring_up()
            stack.engine.running["backend"].ended.set_result(Exit(code=-9))
            await until(lambda: "exited" in stack.states("backend"))
            assert stack.states("backend")[-2:] == ["ready", "exited"]

    asyncio.run(play())


def test_a_service_with_a_restart_policy_comes_back_after_its_death(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(service("backend", restart="always")) as stack:
            await stack.supervisor.bring_up()
            stack.engine.running["backend"].ended.set_result(Exit(code=1))
            await until(lambda: stack.states("backend").count("ready") == 2)
            assert stack.engine.calls.count("start backend") == 2

    asyncio.run(play())


def test_a_restart_long_after_the_stack_s_deadline_has_the_time_of_its_health_check(harness: Harness) -> None:
    async def play() -> None:
        script = harness.scripts["backend"] = [OK]
        async with harness.start(service("backend", restart="always"), deadline_s=0.1) as stack:
            await stack.supervisor.bring_up()
            await asyncio.sleep(0.11)
            stack.engine.running["backend"].ended.set_result(Exit(code=1))
            await until(lambda: "restarting" in stack.states("backend"))
            script[:] = [REFUSED, REFUSED, OK]
            await until(lambda: stack.states("backend").count("ready") == 2)
            assert "timed out" not in stack.states("backend")

    asyncio.run(play())


def test_a_stopped_service_stays_down_whatever_its_policy_and_can_be_started(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(
            service("postgres"), service("backend", "postgres", restart="always")
        ) as stack:
            await stack.supervisor.bring_up()
            await stack.supervisor.stop("backend")
            await asyncio.sleep(0.05)
            assert stack.engine.calls == ["start postgres", "start backend", "stop backend"]
            assert kinds(await stack.supervisor.start(["backend"])) == {"backend": "ready"}

    asyncio.run(play())


def test_a_ready_service_that_becomes_unhealthy_is_reported_and_so_is_its_recovery(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["backend"] = [OK, WRONG, WRONG, OK]
        async with harness.start(service("backend")) as stack:
            await stack.supervisor.bring_up()
            await until(lambda: stack.states("backend").count("ready") == 2)
            assert stack.states("backend")[-3:] == ["ready", "unhealthy", "ready"]

    asyncio.run(play())


def test_a_dependent_waits_while_the_policy_still_restarts(harness: Harness) -> None:
    async def play() -> None:
        db = service("db", restart="on-failure:5")
        harness.scripts["db"] = [REFUSED, OK]
        async with harness.start(db, service("web", "db"), db=[1, 1]) as stack:
            assert kinds(await stack.supervisor.bring_up()) == {"db": "ready", "web": "ready"}
            assert stack.engine.calls.count("start db") == 3
            assert "exited" not in stack.states("db")

    asyncio.run(play())


def test_a_service_that_never_gets_ready_is_not_restarted_for_ever(harness: Harness) -> None:
    async def play() -> None:
        harness.patch.setattr(lifecycle, "RESTART_PAUSE_S", 0.001)
        harness.scripts["db"] = [REFUSED]
        async with harness.start(service("db", restart="always"), db=[1] * 20) as stack:
            (verdict,) = await stack.supervisor.bring_up()
            assert (verdict.kind, verdict.reason) == ("exited", "exited with code 1")
            assert stack.engine.calls.count("start db") == 6

    asyncio.run(play())


@pytest.mark.parametrize(
    ("policy", "code", "so_far", "expected"),
    [
        ("no", 1, 0, False),
        ("always", 0, 9, True),
        ("unless-stopped", 0, 9, True),
        ("on-failure", 0, 0, False),
        ("on-failure", 1, 9, True),
        ("on-failure:2", 1, 1, True),
        ("on-failure:2", 1, 2, False),
    ],
)
def test_the_restart_policies_are_those_of_compose(
    policy: str, code: int, so_far: int, expected: bool
) -> None:
    planned = ServicePlan(
        service=service("x", restart=policy), argv=(), environment={}, ports={}, cwd=Path("/")
    )
    with tempfile.TemporaryDirectory() as folder:
        run = ServiceRun(
            plan=planned, log=Log(Path(folder) / "x.log"), timeline=Timeline(Path(folder)), clock=lambda: 0.0
        )
        run.restarts = so_far
        run.settled.set()
        assert run.may_restart(Exit(code=code)) is expected
        run.log.close()
        run.timeline.close()


@pytest.mark.parametrize(
    ("policy", "deaths", "kind", "starts"),
    [("always", 2, "ready", 3), ("on-failure:1", 2, "exited", 2), ("always", 20, "exited", 5)],
)
def test_a_service_that_nothing_probes_may_need_its_restart_policy(
    harness: Harness, policy: str, deaths: int, kind: str, starts: int
) -> None:
    async def play() -> None:
        harness.patch.setattr(supervisor, "LIFE_S", 0.3)
        harness.patch.setattr(lifecycle, "RESTART_PAUSE_S", 0.1)
        web = service("web", restart=policy, check=False)
        async with harness.start(web, web=[1] * deaths) as stack:
            (verdict,) = await stack.supervisor.bring_up()
            assert verdict.kind == kind
            assert stack.engine.calls.count("start web") == starts

    asyncio.run(play())


def test_a_service_that_becomes_unhealthy_while_others_start_is_no_green(harness: Harness) -> None:
    async def play() -> None:
        harness.patch.setattr(supervisor, "LIFE_S", 0.3)
        harness.scripts["db"] = [OK, WRONG]
        async with harness.start(service("db"), service("web", "db", check=False)) as stack:
            verdict, other = await stack.supervisor.bring_up()
            assert (verdict.service, verdict.kind) == ("db", "unhealthy")
            assert verdict.reason == "it was ready, and failed while others started: ask: HTTP 500"
            assert other.kind == "ready"

    asyncio.run(play())
