"""Histories of services, replayed to the supervisor by an engine that runs nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from stack import idioms, journal, ports
from stack.engines import Exit, Site
from stack.errors import BuildFailed, PortTaken
from stack.health import Verdict
from stack.journal import Journal
from stack.logs import Log
from stack.model import Condition, Dependency, Healthcheck, Service, Stack
from stack.plan import Plan, ServicePlan
from stack.probes import Observation
from stack.service_run import ServiceRun
from stack.supervisor import Supervisor

CHECK = Healthcheck(test=("CMD", "ask"), interval_s=0.02, timeout_s=0.5, retries=2)


@dataclass
class FakeRunning:
    """A service that ends when it is told to, or with the code of its script."""

    name: str
    did: list[str]
    script: list[int] = field(default_factory=list)
    pid: int = 0

    def __post_init__(self) -> None:
        self.ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        if self.script:
            self.ended.set_result(Exit(code=self.script.pop(0)))

    async def wait(self) -> Exit:
        return await asyncio.shield(self.ended)

    async def stop(self, grace_s: float) -> None:
        self.did.append(f"stop {self.name}")
        if not self.ended.done():
            self.ended.set_result(Exit(code=0))

    async def execute(self, argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        return 0, ""


class FakeEngine:
    """Starts nothing; ``codes`` are how a service's lives end, one after the other."""

    def __init__(self, codes: Mapping[str, list[int]], unbuildable: Iterable[str] = ()) -> None:
        self.codes, self.unbuildable = dict(codes), set(unbuildable)
        self.did: list[str] = []
        self.running: dict[str, FakeRunning] = {}

    def folders(self, stack: Stack, site: Site) -> Mapping[str, Mapping[str, str]]:
        return {}

    async def prepare(self, plan: Plan, site: Site, say: Callable[[str], None]) -> None: ...

    async def build(self, plan: ServicePlan, say: Callable[[str], None]) -> None:
        if plan.name in self.unbuildable:
            raise BuildFailed("The lock is wrong.", hint="Make it anew.")

    async def start(self, plan: ServicePlan, log: Log) -> FakeRunning:
        self.did.append(f"start {plan.name}")
        log.feed(f"{plan.name} speaks\n".encode())
        self.running[plan.name] = FakeRunning(plan.name, self.did, self.codes.get(plan.name, []))
        return self.running[plan.name]

    async def refresh(self, services: list[str], say: Callable[[str], None]) -> None: ...

    async def remove(self, *, volumes: bool) -> None: ...


@dataclass
class ScriptedProbe:
    """Answers its script, the last answer for ever."""

    script: list[Observation]
    question: str = "ask"

    async def ask(self) -> Observation:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


OK = Observation(kind="ok", detail="well")
WRONG = Observation(kind="wrong", detail="HTTP 500")
REFUSED = Observation(kind="refused", detail="connection refused")


def service(
    name: str, *needs: str, on: Condition = "service_healthy", restart: str = "no", check: bool = True
) -> Service:
    wanted = tuple(Dependency(service=need, condition=on) for need in needs)
    return Service(name=name, depends_on=wanted, restart=restart, healthcheck=CHECK if check else None)


@dataclass
class Stage:
    """A stack of fakes."""

    supervisor: Supervisor
    engine: FakeEngine
    run: Path

    def states(self, name: str) -> list[str]:
        return [e.state for e in journal.read(self.run) if e.kind == "service" and e.service == name]


class Theatre:
    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self.patch = tmp_path, monkeypatch
        self.answers: dict[str, list[Observation]] = {}

    @asynccontextmanager
    async def stage(
        self, *services: Service, deadline_s: float = 5.0, unbuildable: Iterable[str] = (), **codes: list[int]
    ) -> AsyncIterator[Stage]:
        asked = {s.name: ScriptedProbe(self.answers.get(s.name, [OK])) for s in services}
        self.patch.setattr(
            idioms, "choose", lambda plan, execute: asked[plan.name] if plan.service.healthcheck else None
        )
        jobs = {
            d.service
            for s in services
            for d in s.depends_on
            if d.condition == "service_completed_successfully"
        }
        plans = {
            s.name: ServicePlan(
                service=s, argv=(), environment={}, ports={}, cwd=Path("/"), awaited=s.name in jobs
            )
            for s in services
        }
        stack = Stack(name="shop", files=(), directory=self.run, services={s.name: s for s in services})
        plan = Plan(name="shop", engine="fake", stack=stack, services=plans, endpoints={})
        site = Site(name="shop", folder=self.run, scratch=self.run, run=self.run, token="t", ephemeral=True)
        engine, written = FakeEngine(codes, unbuildable), Journal(self.run)
        made = Supervisor(plan, engine, site, written, deadline_s=deadline_s)
        try:
            async with asyncio.timeout(10):
                yield Stage(made, engine, self.run)
                await made.stop_all(grace_s=0)
        finally:
            written.close()


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
            seen = [(e.service, e.state) for e in journal.read(stage.run) if e.kind == "service"]
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
            (event,) = [e for e in journal.read(stage.run) if e.state == "exited"]
            assert event.hint == "backend speaks"

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
            (error,) = [e for e in journal.read(stage.run) if e.kind == "error"]
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
            verdict = await stage.supervisor.start("backend")
            assert verdict is not None
            assert verdict.kind == "ready"

    asyncio.run(play())


def test_a_ready_service_that_turns_ill_is_said_and_its_recovery_too(theatre: Theatre) -> None:
    async def play() -> None:
        theatre.answers["backend"] = [OK, WRONG, WRONG, OK]
        async with theatre.stage(service("backend")) as stage:
            await stage.supervisor.bring_up()
            await until(lambda: stage.states("backend").count("ready") == 2)
            assert stage.states("backend")[-3:] == ["ready", "unhealthy", "ready"]

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
            plan=planned, log=Log(Path(folder) / "x.log"), journal=Journal(Path(folder)), clock=lambda: 0.0
        )
        assert run.restarts(Exit(code=code), so_far) is expected
        run.log.close()
        run.journal.close()
