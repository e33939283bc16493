"""Histories of services, replayed to the supervisor by an engine that runs nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from supervisor_harness import CHECK, OK, REFUSED, WRONG, FakeRunning, Harness, kinds, service, until

from stack.engines.protocol import Exit
from stack.errors import BuildFailed, PortTaken
from stack.guardian import supervisor
from stack.plan.plan import ServicePlan
from stack.records import timeline
from stack.records.service_logs import Log
from stack.system import ports


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    return Harness(tmp_path, monkeypatch)


def test_each_service_starts_when_what_it_needs_is_ready(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["postgres"] = [REFUSED, REFUSED, OK]
        async with harness.start(
            service("postgres"), service("backend", "postgres"), service("gateway", "backend")
        ) as stack:
            verdicts = await stack.supervisor.bring_up()
            assert set(kinds(verdicts).values()) == {"ready"}
            assert stack.engine.calls == ["start postgres", "start backend", "start gateway"]
            seen = [(e.service, e.state) for e in timeline.read(stack.run) if e.kind == "service"]
            assert seen.index(("postgres", "ready")) < seen.index(("backend", "starting"))

    asyncio.run(play())


def test_they_are_ended_in_the_opposite_order(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(service("postgres"), service("backend", "postgres")) as stack:
            await stack.supervisor.bring_up()
            await stack.supervisor.stop_all(grace_s=0)
            assert stack.engine.calls[-2:] == ["stop backend", "stop postgres"]

    asyncio.run(play())


def test_a_service_has_the_time_to_end_that_its_file_gives_it(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(replace(service("worker"), stop_grace_period_s=60.0)) as stack:
            await stack.supervisor.bring_up()
            await stack.supervisor.stop_all()
            assert stack.engine.running["worker"].grace_s == 60.0

    asyncio.run(play())


def test_a_death_at_the_start_is_reported_at_once_with_its_code_and_last_lines(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["backend"] = [REFUSED]
        async with harness.start(service("backend"), backend=[3]) as stack:
            (verdict,) = await stack.supervisor.bring_up()
            assert (verdict.kind, verdict.reason) == ("exited", "exited with code 3")
            (event,) = [e for e in timeline.read(stack.run) if e.state == "exited"]
            assert event.evidence == "backend speaks"

    asyncio.run(play())


def test_the_first_cause_comes_first_and_is_carried_through_all_that_follow(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["postgres"] = [REFUSED]
        everything = service("gateway", "backend"), service("backend", "postgres"), service("postgres")
        async with harness.start(*everything, postgres=[1]) as stack:
            verdicts = await stack.supervisor.bring_up()
            assert verdicts[0].service == "postgres"
            assert [(v.kind, v.cause) for v in verdicts[1:]] == [("dependency failed", "postgres")] * 2
            assert "start backend" not in stack.engine.calls
            assert "start gateway" not in stack.engine.calls

    asyncio.run(play())


def test_a_job_that_ends_well_lets_those_that_wait_for_it_start(harness: Harness) -> None:
    async def play() -> None:
        job = service("migrate", check=False)
        user = service("backend", "migrate", on="service_completed_successfully")
        async with harness.start(job, user, migrate=[0]) as stack:
            assert kinds(await stack.supervisor.bring_up()) == {"migrate": "completed", "backend": "ready"}

    asyncio.run(play())


def test_a_job_that_is_healthy_has_not_yet_completed(harness: Harness) -> None:
    async def play() -> None:
        user = service("backend", "migrate", on="service_completed_successfully")
        async with harness.start(service("migrate"), user, deadline_s=0.3) as stack:
            found = kinds(await stack.supervisor.bring_up())
            assert found["backend"] in {"timed out", "dependency failed"}
            assert "start backend" not in stack.engine.calls

    asyncio.run(play())


def test_a_job_that_fails_stops_those_that_wait_for_it(harness: Harness) -> None:
    async def play() -> None:
        job = service("migrate", check=False)
        user = service("backend", "migrate", on="service_completed_successfully")
        async with harness.start(job, user, migrate=[1]) as stack:
            found = kinds(await stack.supervisor.bring_up())
            assert found == {"migrate": "exited", "backend": "dependency failed"}

    asyncio.run(play())


def test_a_service_that_answers_wrongly_is_unhealthy_after_its_retries(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["backend"] = [WRONG]
        async with harness.start(service("backend")) as stack:
            (verdict,) = await stack.supervisor.bring_up()
            assert verdict.kind == "unhealthy"
            assert "HTTP 500" in verdict.reason

    asyncio.run(play())


def test_one_wrong_answer_and_then_a_good_one_is_ready(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["backend"] = [WRONG, OK]
        async with harness.start(service("backend")) as stack:
            assert kinds(await stack.supervisor.bring_up()) == {"backend": "ready"}

    asyncio.run(play())


def test_silence_ends_at_the_deadline(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["backend"] = [REFUSED]
        async with harness.start(service("backend"), deadline_s=0.1) as stack:
            (verdict,) = await stack.supervisor.bring_up()
            assert verdict.kind == "timed out"
            assert "connection refused" in verdict.reason

    asyncio.run(play())


def test_what_cannot_be_built_is_an_error_with_its_code_and_no_start(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(
            service("backend"), service("gateway", "backend"), unbuildable=["backend"]
        ) as stack:
            assert kinds(await stack.supervisor.bring_up()) == {
                "backend": "exited",
                "gateway": "dependency failed",
            }
            (error,) = [e for e in timeline.read(stack.run) if e.kind == "error"]
            assert (error.code, error.text, error.hint) == (
                BuildFailed.code,
                "The lock is wrong.",
                "Make it anew.",
            )
            assert stack.engine.calls == []

    asyncio.run(play())


def test_a_port_is_looked_at_before_a_start_whatever_the_engine_runs(harness: Harness) -> None:
    async def play() -> None:
        harness.patch.setattr(ports, "is_free", lambda port: False)
        harness.patch.setattr(ports, "holder", lambda port: "pid 7 (a program)")
        async with harness.start(service("backend")) as stack:
            run = stack.supervisor.runs["backend"]
            run.plan = replace(run.plan, ports={8000: 20001})
            (verdict,) = await stack.supervisor.bring_up()
            assert (verdict.kind, verdict.reason) == ("port taken", "port 20001 is held by pid 7 (a program)")
            assert stack.engine.calls == []

    asyncio.run(play())


def test_a_port_that_the_engine_finds_taken_is_reported_as_taken(harness: Harness) -> None:
    async def refuse(plan: ServicePlan, log: Log) -> FakeRunning:
        raise PortTaken("A port of backend was taken meanwhile.")

    async def play() -> None:
        async with harness.start(service("backend")) as stack:
            harness.patch.setattr(stack.engine, "start", refuse)
            assert kinds(await stack.supervisor.bring_up()) == {"backend": "port taken"}

    asyncio.run(play())


def test_a_dependency_that_can_never_be_healthy_is_refused_by_name(harness: Harness) -> None:
    async def play() -> None:
        async with harness.start(service("db", check=False), service("web", "db")) as stack:
            verdicts = {verdict.service: verdict for verdict in await stack.supervisor.bring_up()}
            assert verdicts["db"].good
            assert verdicts["web"].reason == "db has no health check, so it never becomes healthy"
            assert "start web" not in stack.engine.calls

    asyncio.run(play())


def test_the_health_check_of_an_image_counts_where_the_file_has_none(harness: Harness) -> None:
    async def play() -> None:
        harness.scripts["db"] = [REFUSED, REFUSED, OK]
        async with harness.start(service("db", check=False), service("web", "db")) as stack:
            stack.engine.image_checks["db"] = CHECK
            assert set(kinds(await stack.supervisor.bring_up()).values()) == {"ready"}
            probed = [(e.service, e.kind, e.state) for e in timeline.read(stack.run)]
            assert probed.count(("db", "probe", "refused")) == 2
            assert probed.index(("db", "probe", "ok")) < probed.index(("web", "service", "starting"))

    asyncio.run(play())


@pytest.mark.parametrize("pause_s", [0.0, 0.1])
def test_a_job_without_dependents_is_completed_whatever_its_pace(harness: Harness, pause_s: float) -> None:
    async def play() -> None:
        harness.scripts["web"] = [REFUSED, OK]
        codes = [] if pause_s else [0]
        async with harness.start(service("job", check=False), service("web"), job=codes) as stack:
            verdicts = await stack.supervisor.bring_up()
            assert all(verdict.good for verdict in verdicts)
            if pause_s:
                stack.engine.running["job"].ended.set_result(Exit(code=0))
            await until(lambda: stack.states("job")[-1] == "completed")

    asyncio.run(play())


@pytest.mark.parametrize(("code", "kind"), [(3, "exited"), (0, "completed"), (None, "ready")])
def test_a_service_that_nothing_probes_must_outlive_its_start(
    harness: Harness, code: int | None, kind: str
) -> None:
    async def play() -> None:
        harness.patch.setattr(supervisor, "LIFE_S", 0.3)
        async with harness.start(service("web", check=False)) as stack:
            began = asyncio.ensure_future(stack.supervisor.bring_up())
            await stack.supervisor.runs["web"].settled.wait()
            if code is not None:
                stack.engine.running["web"].ended.set_result(Exit(code=code))
            (verdict,) = await began
            assert verdict.kind == kind

    asyncio.run(play())
