"""Histories of services, replayed to the supervisor by an engine that runs nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from theatre import CHECK, OK, REFUSED, WRONG, FakeRunning, Theatre, service

from stack.engines.protocol import Exit
from stack.errors import BuildFailed, PortTaken
from stack.guardian import lifecycle
from stack.guardian.service import ServiceRun
from stack.health.verdicts import Verdict
from stack.plan.plan import ServicePlan
from stack.records import timeline
from stack.records.service_logs import Log
from stack.records.timeline import Timeline
from stack.system import ports


@pytest.fixture
def theatre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Theatre:
    return Theatre(tmp_path, monkeypatch)


def kinds(verdicts: list[Verdict]) -> dict[str, str]:
    return {verdict.service: verdict.kind for verdict in verdicts}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is asked for is in a file
            await asyncio.sleep(0.002)


def test_each_service_starts_when_what_it_needs_is_ready(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["postgres"] = [REFUSED, REFUSED, OK]
        async with theatre.stage(
            service("postgres"), service("backend", "postgres"), service("gateway", "backend")
        ) as stage:
            verdicts = await stage.supervisor.bring_up()
            assert set(kinds(verdicts).values()) == {"ready"}
            assert stage.engine.did == ["start postgres", "start backend", "start gateway"]
            seen = [(e.service, e.state) for e in timeline.read(stage.run) if e.kind == "service"]
            assert seen.index(("postgres", "ready")) < seen.index(("backend", "starting"))

    asyncio.run(play())


def test_they_are_ended_in_the_opposite_order(theatre: Theatre) -> None:
    async def play() -> None:
        async with theatre.stage(service("postgres"), service("backend", "postgres")) as stage:
            await stage.supervisor.bring_up()
            await stage.supervisor.stop_all(grace_s=0)
            assert stage.engine.did[-2:] == ["stop backend", "stop postgres"]

    asyncio.run(play())


def test_a_death_at_the_start_is_told_at_once_with_its_code_and_last_lines(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["backend"] = [REFUSED]
        async with theatre.stage(service("backend"), backend=[3]) as stage:
            (verdict,) = await stage.supervisor.bring_up()
            assert (verdict.kind, verdict.reason) == ("exited", "exited with code 3")
            assert verdict.seconds < 1
            (event,) = [e for e in timeline.read(stage.run) if e.state == "exited"]
            assert event.evidence == "backend speaks"

    asyncio.run(play())


def test_the_first_cause_comes_first_and_is_carried_through_all_that_follow(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["postgres"] = [REFUSED]
        everything = service("gateway", "backend"), service("backend", "postgres"), service("postgres")
        async with theatre.stage(*everything, postgres=[1]) as stage:
            verdicts = await stage.supervisor.bring_up()
            assert verdicts[0].service == "postgres"
            assert [(v.kind, v.cause) for v in verdicts[1:]] == [("dependency failed", "postgres")] * 2
            assert "start backend" not in stage.engine.did
            assert "start gateway" not in stage.engine.did

    asyncio.run(play())


def test_a_job_that_ends_well_lets_those_that_wait_for_it_start(theatre: Theatre) -> None:
    async def play() -> None:
        job = service("migrate", check=False)
        user = service("backend", "migrate", on="service_completed_successfully")
        async with theatre.stage(job, user, migrate=[0]) as stage:
            assert kinds(await stage.supervisor.bring_up()) == {"migrate": "completed", "backend": "ready"}

    asyncio.run(play())


def test_a_job_that_fails_stops_those_that_wait_for_it(theatre: Theatre) -> None:
    async def play() -> None:
        job = service("migrate", check=False)
        user = service("backend", "migrate", on="service_completed_successfully")
        async with theatre.stage(job, user, migrate=[1]) as stage:
            found = kinds(await stage.supervisor.bring_up())
            assert found == {"migrate": "exited", "backend": "dependency failed"}

    asyncio.run(play())


def test_a_service_that_answers_wrongly_is_unhealthy_after_its_retries(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["backend"] = [WRONG]
        async with theatre.stage(service("backend")) as stage:
            (verdict,) = await stage.supervisor.bring_up()
            assert verdict.kind == "unhealthy"
            assert "HTTP 500" in verdict.reason

    asyncio.run(play())


def test_one_wrong_answer_and_then_a_good_one_is_ready(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["backend"] = [WRONG, OK]
        async with theatre.stage(service("backend")) as stage:
            assert kinds(await stage.supervisor.bring_up()) == {"backend": "ready"}

    asyncio.run(play())


def test_silence_ends_at_the_deadline(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["backend"] = [REFUSED]
        async with theatre.stage(service("backend"), deadline_s=0.1) as stage:
            (verdict,) = await stage.supervisor.bring_up()
            assert verdict.kind == "timed out"
            assert "connection refused" in verdict.reason

    asyncio.run(play())


def test_what_cannot_be_built_is_an_error_with_its_code_and_no_start(theatre: Theatre) -> None:
    async def play() -> None:
        async with theatre.stage(
            service("backend"), service("gateway", "backend"), unbuildable=["backend"]
        ) as stage:
            assert kinds(await stage.supervisor.bring_up()) == {
                "backend": "exited",
                "gateway": "dependency failed",
            }
            (error,) = [e for e in timeline.read(stage.run) if e.kind == "error"]
            assert (error.code, error.text, error.hint) == (
                BuildFailed.code,
                "The lock is wrong.",
                "Make it anew.",
            )
            assert stage.engine.did == []

    asyncio.run(play())


def test_a_port_is_looked_at_before_a_start_whatever_the_engine_runs(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.patch.setattr(ports, "is_free", lambda port: False)
        theatre.patch.setattr(ports, "holder", lambda port: "pid 7 (somebody)")
        async with theatre.stage(service("backend")) as stage:
            run = stage.supervisor.runs["backend"]
            run.plan = replace(run.plan, ports={8000: 20001})
            (verdict,) = await stage.supervisor.bring_up()
            assert (verdict.kind, verdict.reason) == ("port taken", "port 20001 is held by pid 7 (somebody)")
            assert stage.engine.did == []

    asyncio.run(play())


def test_a_port_that_the_engine_finds_taken_is_told_as_such(theatre: Theatre) -> None:
    async def refuse(plan: ServicePlan, log: Log) -> FakeRunning:
        raise PortTaken("A port of backend was taken meanwhile.")

    async def play() -> None:
        async with theatre.stage(service("backend")) as stage:
            theatre.patch.setattr(stage.engine, "start", refuse)
            assert kinds(await stage.supervisor.bring_up()) == {"backend": "port taken"}

    asyncio.run(play())


def test_a_death_after_ready_is_said(theatre: Theatre) -> None:
    async def play() -> None:
        async with theatre.stage(service("backend")) as stage:
            await stage.supervisor.bring_up()
            stage.engine.running["backend"].ended.set_result(Exit(code=-9))
            await until(lambda: "exited" in stage.states("backend"))
            assert stage.states("backend")[-2:] == ["ready", "exited"]

    asyncio.run(play())


def test_a_service_with_a_restart_policy_comes_back_after_its_death(theatre: Theatre) -> None:
    async def play() -> None:
        async with theatre.stage(service("backend", restart="always")) as stage:
            await stage.supervisor.bring_up()
            stage.engine.running["backend"].ended.set_result(Exit(code=1))
            await until(lambda: stage.states("backend").count("ready") == 2)
            assert stage.engine.did.count("start backend") == 2

    asyncio.run(play())


def test_a_stopped_service_stays_down_whatever_its_policy_and_can_be_started(theatre: Theatre) -> None:
    async def play() -> None:
        async with theatre.stage(
            service("postgres"), service("backend", "postgres", restart="always")
        ) as stage:
            await stage.supervisor.bring_up()
            await stage.supervisor.stop("backend")
            await asyncio.sleep(0.05)
            assert stage.engine.did == ["start postgres", "start backend", "stop backend"]
            assert kinds(await stage.supervisor.start(["backend"])) == {"backend": "ready"}

    asyncio.run(play())


def test_a_ready_service_that_turns_ill_is_said_and_its_recovery_too(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["backend"] = [OK, WRONG, WRONG, OK]
        async with theatre.stage(service("backend")) as stage:
            await stage.supervisor.bring_up()
            await until(lambda: stage.states("backend").count("ready") == 2)
            assert stage.states("backend")[-3:] == ["ready", "unhealthy", "ready"]

    asyncio.run(play())


def test_a_dependency_that_can_never_be_healthy_is_refused_by_name(theatre: Theatre) -> None:
    async def play() -> None:
        async with theatre.stage(service("db", check=False), service("web", "db")) as stage:
            verdicts = {verdict.service: verdict for verdict in await stage.supervisor.bring_up()}
            assert verdicts["db"].good
            assert verdicts["web"].reason == "db has no health check, so it never becomes healthy"
            assert "start web" not in stage.engine.did

    asyncio.run(play())


def test_the_health_check_of_an_image_counts_where_the_file_has_none(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["db"] = [REFUSED, REFUSED, OK]
        async with theatre.stage(service("db", check=False), service("web", "db")) as stage:
            stage.engine.image_checks["db"] = CHECK
            assert set(kinds(await stage.supervisor.bring_up()).values()) == {"ready"}
            probed = [(e.service, e.kind, e.state) for e in timeline.read(stage.run)]
            assert probed.count(("db", "probe", "refused")) == 2
            assert probed.index(("db", "probe", "ok")) < probed.index(("web", "service", "starting"))

    asyncio.run(play())


@pytest.mark.parametrize("pause_s", [0.0, 0.1])
def test_a_job_that_nobody_waits_for_is_done_whatever_its_pace(theatre: Theatre, pause_s: float) -> None:
    async def play() -> None:
        theatre.answers["web"] = [REFUSED, OK]
        codes = [] if pause_s else [0]
        async with theatre.stage(service("job", check=False), service("web"), job=codes) as stage:
            verdicts = await stage.supervisor.bring_up()
            assert all(verdict.good for verdict in verdicts)
            if pause_s:
                stage.engine.running["job"].ended.set_result(Exit(code=0))
            await until(lambda: stage.states("job")[-1] == "completed")

    asyncio.run(play())


def test_a_dependent_waits_while_the_policy_still_restarts(theatre: Theatre) -> None:
    async def play() -> None:
        db = service("db", restart="on-failure:5")
        theatre.answers["db"] = [REFUSED, OK]
        async with theatre.stage(db, service("web", "db"), db=[1, 1]) as stage:
            assert kinds(await stage.supervisor.bring_up()) == {"db": "ready", "web": "ready"}
            assert stage.engine.did.count("start db") == 3
            assert "exited" not in stage.states("db")

    asyncio.run(play())


def test_a_service_that_never_gets_ready_is_not_restarted_for_ever(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.patch.setattr(lifecycle, "RESTART_PAUSE_S", 0.001)
        theatre.answers["db"] = [REFUSED]
        async with theatre.stage(service("db", restart="always"), db=[1] * 20) as stage:
            (verdict,) = await stage.supervisor.bring_up()
            assert (verdict.kind, verdict.reason) == ("exited", "exited with code 1")
            assert stage.engine.did.count("start db") == 6

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
