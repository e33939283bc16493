"""Starts services in the order of their dependencies, watches them, and stops them.

Services run side by side where the graph allows: environments are built while dependencies start, and a
service starts the moment its last dependency is ready.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from stack.engines.protocol import Engine, Exit, Site
from stack.errors import PortTaken, StackError
from stack.guardian.service import ServiceRun
from stack.health import checks, probes, verdicts
from stack.health.verdicts import Verdict, VerdictKind
from stack.model import Dependency
from stack.plan.plan import Plan, ServicePlan
from stack.records import service_logs
from stack.records.timeline import Timeline
from stack.system import ports

GRACE_LIMIT_S = 10.0
RESTART_LIMIT_S = 60.0


class Supervisor:
    """The services of one stack."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        site: Site,
        timeline: Timeline,
        *,
        deadline_s: float,
        clock: Callable[[], float] = time.monotonic,
        before_ready: Callable[[ServicePlan], Awaitable[None]] | None = None,
    ) -> None:
        """``before_ready`` is awaited when a service's probe succeeded, before others may use it."""
        self._engine, self._timeline, self._clock, self._deadline_s = engine, timeline, clock, deadline_s
        self._before_ready = before_ready
        self._site = site
        self.runs = {
            name: ServiceRun(
                plan=service,
                log=service_logs.Log(service_logs.log_file(site.run, name)),
                timeline=timeline,
                clock=clock,
            )
            for name, service in plan.services.items()
        }

    async def bring_up(self) -> list[Verdict]:
        """Start every service; return the verdicts, the first cause first."""
        for run in self.runs.values():
            self._begin(run)
        await asyncio.gather(*(run.settled.wait() for run in self.runs.values()))
        verdicts = [run.verdict for run in self.runs.values() if run.verdict is not None]
        return sorted(verdicts, key=lambda v: (v.good, v.kind == "dependency failed", v.seconds))

    async def start(self, name: str) -> Verdict | None:
        """Start a stopped service and return its verdict."""
        run = self.runs[name]
        self._begin(run)
        await run.settled.wait()
        return run.verdict

    async def stop(self, name: str) -> None:
        """Stop one service."""
        run = self.runs[name]
        run.wanted = False
        run.enter("stopping")
        if run.task is not None:
            run.task.cancel()
            await asyncio.gather(run.task, return_exceptions=True)
        if run.running is not None:
            await run.running.stop(min(run.plan.service.stop_grace_period_s, GRACE_LIMIT_S))
            run.running = None
        run.enter("stopped")

    async def stop_all(self, *, grace_s: float | None = None, at_once: bool = False) -> None:
        """Stop every service, dependencies last; ``at_once`` stops all side by side."""
        stopping = {name: asyncio.Event() for name in self.runs}

        async def end(name: str) -> None:
            dependents = [n for n, r in self.runs.items() if r.needs(name) and not at_once]
            await asyncio.gather(*(stopping[dependent].wait() for dependent in dependents))
            try:
                await self._end(self.runs[name], grace_s)
            finally:
                stopping[name].set()

        await asyncio.gather(*(end(name) for name in self.runs), return_exceptions=True)
        for run in self.runs.values():
            run.log.close()

    async def _end(self, run: ServiceRun, grace_s: float | None) -> None:
        run.wanted = False
        for task in (run.build, run.task):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if run.running is not None:
            allowed = run.plan.service.stop_grace_period_s if grace_s is None else grace_s
            run.enter("stopping")
            await run.running.stop(min(allowed, GRACE_LIMIT_S))
            run.running = None
            run.enter("stopped")

    def _begin(self, run: ServiceRun) -> None:
        run.started.clear()
        run.settled.clear()
        run.verdict, run.wanted = None, True
        run.task = asyncio.create_task(self._run(run), name=run.plan.name)

    async def _run(self, run: ServiceRun) -> None:
        """Build a service, wait for its dependencies, start it, and start it again as its policy says."""
        try:
            run.enter("building")
            run.build = asyncio.create_task(self._engine.build(run.plan, self._timeline.note))
            await run.build
            if (failed := await self._wait_for_dependencies(run)) is not None:
                run.settle(failed)
                return
            restarts = 0
            while run.wanted:
                ended = await self._live(run)
                if ended is None or not run.wanted or not run.restarts(ended, restarts):
                    return
                restarts += 1
                run.enter("restarting", verdicts.code_in_words(ended.code))
                await asyncio.sleep(min(0.1 * 2**restarts, RESTART_LIMIT_S))
        except StackError as error:
            self._timeline.write(
                "error", text=error.message, hint=error.hint, code=error.code, service=run.plan.name
            )
            kind: VerdictKind = "port taken" if isinstance(error, PortTaken) else "exited"
            run.settle(Verdict(service=run.plan.name, kind=kind, reason=error.message))
        except Exception as error:  # a bug of the engine: a verdict, never a silent hang
            logging.getLogger("stack").exception("%s", run.plan.name)
            reason = f"the engine failed: {type(error).__name__}: {error}"
            run.settle(Verdict(service=run.plan.name, kind="exited", reason=reason))

    async def _wait_for_dependencies(self, run: ServiceRun) -> Verdict | None:
        needs = [d for d in run.plan.service.depends_on if d.service in self.runs]
        if needs:
            run.enter("waiting", "for " + ", ".join(d.service for d in needs))
        results = await asyncio.gather(*(self._wait_for(run.plan.name, need) for need in needs))
        return next((verdict for verdict in results if verdict is not None), None)

    async def _wait_for(self, name: str, need: Dependency) -> Verdict | None:
        other = self.runs[need.service]
        if need.condition == "service_started":
            await other.started.wait()
        else:
            await other.settled.wait()
        verdict = other.verdict
        if verdict is None or verdict.good or not need.required:
            return None
        cause = verdict.cause or verdict.service
        reason = f"dependency {need.service} failed"
        return Verdict(service=name, kind="dependency failed", reason=reason, cause=cause)

    async def _live(self, run: ServiceRun) -> Exit | None:
        """Start a service once, wait until it is ready, watch it until its end; return how it ended."""
        if (taken := self._port_taken(run)) is not None:
            run.settle(taken)
            return None
        run.enter("starting")
        run.started_s = self._clock()
        run.running = await self._engine.start(run.plan, run.log)
        run.record_process()
        run.started.set()
        ended = asyncio.ensure_future(run.running.wait())
        probe = checks.choose(run.plan, run.running.execute)
        try:
            await self._become_ready(run, probe, ended)
            watch = asyncio.ensure_future(self._watch(run, probe))
            try:
                end = await ended
            finally:
                watch.cancel()
        finally:
            ended.cancel()
        if run.wanted:
            await self._after_exit(run, end)
        return end

    async def _become_ready(
        self, run: ServiceRun, probe: probes.Probe | None, ended: asyncio.Future[Exit]
    ) -> None:
        if probe is None:
            if not run.plan.awaited:
                run.settle(Verdict(service=run.plan.name, kind="ready", reason="started"))
            return
        check = run.plan.service.healthcheck
        progress = verdicts.begin(run.plan.name, check, deadline_s=self._deadline_s)
        timeout_s = check.timeout_s if check is not None else 5.0
        while not ended.done():
            left_s = max(progress.patience_s() - run.elapsed_s(), 0.05)
            probing = asyncio.ensure_future(probes.observe(probe, min(timeout_s, left_s)))
            both: set[asyncio.Future[Any]] = {probing, ended}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not probing.done():
                probing.cancel()
                return
            progress, verdict = verdicts.after_probe(progress, probing.result(), run.elapsed_s())
            run.record_probe(progress)
            if verdict is not None and not ended.done():
                if verdict.good and self._before_ready is not None:
                    await self._before_ready(run.plan)
                run.settle(verdict)
                return
            await asyncio.wait({ended}, timeout=verdicts.next_probe_s(progress, run.elapsed_s()))

    async def _watch(self, run: ServiceRun, probe: probes.Probe | None) -> None:
        """Probe at the compose interval; record when a ready service becomes unhealthy, and recovers."""
        check = run.plan.service.healthcheck
        if probe is None or check is None:
            return
        failures = 0
        while True:
            await asyncio.sleep(check.interval_s)
            observation = await probes.observe(probe, check.timeout_s)
            failures = 0 if observation.kind == "ok" else failures + 1
            if failures == check.retries:
                run.enter("unhealthy", observation.detail)
            elif failures == 0 and run.state == "unhealthy":
                run.enter("ready", observation.detail)

    async def _after_exit(self, run: ServiceRun, end: Exit) -> None:
        """Set the verdict of an exit. Its own children are ended first: they may hold its port."""
        name, code, tried_to_bind = run.plan.name, end.code, run.verdict is None
        if run.running is not None:
            await run.running.stop(0)
            tried_to_bind &= run.running.pid > 0  # a container's port is freed by its engine, later
        verdict = verdicts.after_exit(name, code, run.elapsed_s(), awaited=run.plan.awaited, oom=end.oom)
        if verdict.kind == "exited" and tried_to_bind and (taken := self._port_taken(run)) is not None:
            verdict = taken
        run.running = None
        run.settle(verdict)

    def _port_taken(self, run: ServiceRun) -> Verdict | None:
        for port in run.plan.ports.values():
            if not ports.is_free(port):
                reason = f"port {port} is held by {ports.holder(port)}"
                return Verdict(
                    service=run.plan.name, kind="port taken", reason=reason, seconds=run.elapsed_s()
                )
        return None
