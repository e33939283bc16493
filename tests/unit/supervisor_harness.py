"""A supervisor on a fake engine: no service is run, and probes return what their script says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stack.engines.protocol import Connection, Exit, Running, Site
from stack.errors import BuildFailed
from stack.guardian import supervisor
from stack.guardian.supervisor import Supervisor
from stack.health import checks
from stack.health.probes import Observation
from stack.health.verdicts import Verdict
from stack.model import Condition, Dependency, Healthcheck, Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.records import timeline
from stack.records.service_logs import Log
from stack.records.timeline import Timeline

CHECK = Healthcheck(test=("CMD", "ask"), interval_s=0.02, timeout_s=0.5, retries=2)


@dataclass
class FakeRunning:
    """A service that ends when it is told to, or with the code of its script."""

    name: str
    calls: list[str]
    script: list[int]
    fail_or_hang: Callable[[str], Awaitable[None]]
    pid: int = 0
    grace_s: float | None = None

    def __post_init__(self) -> None:
        self.ended: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        if self.script:
            self.ended.set_result(Exit(code=self.script.pop(0)))

    async def wait(self) -> Exit:
        await self.fail_or_hang("wait")
        return await asyncio.shield(self.ended)

    async def stop(self, grace_s: float) -> None:
        await self.fail_or_hang("stop")
        self.grace_s = grace_s
        self.calls.append(f"stop {self.name}")
        if not self.ended.done():
            self.ended.set_result(Exit(code=0))

    async def connect(self, host: str, port: int) -> Connection:
        raise ConnectionRefusedError

    async def execute(self, argv: tuple[str, ...], timeout_s: float) -> tuple[int, str]:
        return 0, ""

    async def data_is_new(self, *, since: float) -> bool:
        return False


class FakeEngine:
    """Starts nothing; ``codes`` are how a service's lives end, one after the other."""

    def __init__(self, codes: Mapping[str, list[int]], unbuildable: Iterable[str] = ()) -> None:
        self.codes, self.unbuildable = dict(codes), set(unbuildable)
        self.broken: dict[str, BaseException | None] = {}
        self.image_checks: dict[str, Healthcheck] = {}
        self.calls: list[str] = []
        self.pid = 0
        self.running: dict[str, FakeRunning] = {}

    async def open_networks(self, services: Mapping[str, Service], say: Callable[[str], None]) -> bool:
        return False

    async def unavailable(self, services: Mapping[str, ServicePlan]) -> Mapping[str, str]:
        return {}

    def folders(self, stack: Stack, site: Site) -> Mapping[str, Mapping[str, str]]:
        return {}

    async def fail_or_hang(self, step: str) -> None:
        """Raise what is to happen at a step, or hang where that is None."""
        if step in self.broken:
            if (error := self.broken[step]) is not None:
                raise error
            await asyncio.Event().wait()

    async def prepare(self, plan: Plan, site: Site, say: Callable[[str], None]) -> None:
        await self.fail_or_hang("prepare")

    async def build(self, plan: ServicePlan, say: Callable[[str], None]) -> None:
        await self.fail_or_hang("build")
        if plan.name in self.unbuildable:
            raise BuildFailed("The lock is wrong.", hint="Make it anew.")

    async def image_check(self, plan: ServicePlan) -> Healthcheck | None:
        await self.fail_or_hang("image check")
        return self.image_checks.get(plan.name)

    async def start(self, plan: ServicePlan, log: Log) -> FakeRunning:
        await self.fail_or_hang("start")
        self.calls.append(f"start {plan.name}")
        log.feed(f"{plan.name} speaks\n".encode())
        running = FakeRunning(
            plan.name, self.calls, self.codes.get(plan.name, []), self.fail_or_hang, self.pid
        )
        self.running[plan.name] = running
        return running

    async def refresh(self, services: list[str], say: Callable[[str], None]) -> None:
        await self.fail_or_hang("refresh")

    async def remove(self, *, volumes: bool) -> None:
        await self.fail_or_hang("remove")


@dataclass
class ScriptedProbe:
    """Return one observation of its script after the other, and the last one again and again."""

    script: list[Observation]
    fail_or_hang: Callable[[str], Awaitable[None]]
    question: str = "ask"

    async def ask(self) -> Observation:
        await self.fail_or_hang("probe")
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


OK = Observation(kind="ok", detail="well")
WRONG = Observation(kind="wrong", detail="HTTP 500")
REFUSED = Observation(kind="refused", detail="connection refused")


def service(
    name: str, *needs: str, on: Condition = "service_healthy", restart: str = "no", check: bool = True
) -> Service:
    dependencies = tuple(Dependency(service=need, condition=on) for need in needs)
    return Service(name=name, depends_on=dependencies, restart=restart, healthcheck=CHECK if check else None)


@dataclass
class FakeStack:
    """A supervisor under test, its fake engine, and the folder of its run."""

    supervisor: Supervisor
    engine: FakeEngine
    run: Path

    def states(self, name: str) -> list[str]:
        return [e.state for e in timeline.read(self.run) if e.kind == "service" and e.service == name]


class Harness:
    """Start supervisors on fakes; a service's probe observes its entry in ``scripts``, by default `OK`."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self.patch = tmp_path, monkeypatch
        self.patch.setattr(supervisor, "LIFE_S", 0.0)
        self.scripts: dict[str, list[Observation]] = {}

    @asynccontextmanager
    async def start(
        self, *services: Service, deadline_s: float = 5.0, unbuildable: Iterable[str] = (), **codes: list[int]
    ) -> AsyncIterator[FakeStack]:
        engine = FakeEngine(codes, unbuildable)
        probes = {
            s.name: ScriptedProbe(self.scripts.get(s.name, [OK]), engine.fail_or_hang) for s in services
        }
        self.patch.setattr(
            checks, "choose", lambda plan, *place: probes[plan.name] if plan.service.healthcheck else None
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
        events = Timeline(self.run)

        async def when_up(plan: ServicePlan, running: Running) -> None:
            await engine.fail_or_hang("when up")

        made = Supervisor(plan, engine, site, events, deadline_s=deadline_s, when_up=when_up)
        try:
            async with asyncio.timeout(10):
                yield FakeStack(made, engine, self.run)
                await made.stop_all(grace_s=0)
        finally:
            events.close()


def kinds(verdicts: list[Verdict]) -> dict[str, str]:
    return {verdict.service: verdict.kind for verdict in verdicts}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is asked for is in a file
            await asyncio.sleep(0.002)
