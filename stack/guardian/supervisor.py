"""Starts services in the order of their dependencies, watches them, and stops them.

Services run side by side where the graph allows: environments are built while dependencies start, and a
service starts the moment its last dependency is ready.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from stack.display.redaction import redactor_of
from stack.engines.protocol import Engine, Running, Site
from stack.errors import StackError
from stack.guardian.deadline import Deadline
from stack.guardian.end import limited
from stack.guardian.lifecycle import Lifecycle, WhenUp
from stack.guardian.service import CRASH_LOOP, ServiceRun
from stack.health import verdicts
from stack.health.verdicts import Verdict
from stack.plan.plan import Plan, ServicePlan
from stack.records import service_logs
from stack.records.timeline import Timeline
from stack.system import tasks

LIFE_S = 1.0
"""How long a service that nothing probes must live: one that crashes sooner has not come up, whatever else
took longer to start, unless its restart policy starts it again and that life is long enough."""

LIFE_PAUSE_S = 0.02

MARGIN_S = 3.0
"""How long after the deadline a service's own verdict is waited for: it has the evidence."""

CANCEL_LIMIT_S = 2.0
STOP_LIMIT_S = 10.0
"""How long after its grace period a service may take to be killed."""


async def _nothing(service: ServicePlan, running: Running) -> None:
    """Do nothing."""


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
        when_up: WhenUp = _nothing,
    ) -> None:
        """``when_up`` is awaited when a service is up, before others may use it; see ``Lifecycle``."""
        self._timeline = timeline
        self._deadline = Deadline(deadline_s, clock)
        redactor = redactor_of(plan.stack)
        self.runs = {
            name: ServiceRun(
                plan=service,
                log=service_logs.Log(service_logs.log_file(site.run, name), redact=redactor.data),
                timeline=timeline,
                clock=clock,
            )
            for name, service in plan.services.items()
        }
        self._lifecycle = Lifecycle(engine, self.runs, timeline, self._deadline, when_up=when_up)

    def plan(self, plan: Plan) -> Plan:
        """Return ``plan`` with what the images said about its services."""
        return replace(plan, services={name: run.plan for name, run in self.runs.items()})

    async def bring_up(self) -> list[Verdict]:
        """Start every service; return the verdicts, the first cause first."""
        verdicts = await self.start(list(self.runs))
        return sorted(verdicts, key=lambda v: (v.good, v.kind == "dependency failed", v.seconds))

    async def start(self, names: Sequence[str]) -> list[Verdict]:
        """Start services that do not run; return their verdicts, at the stack's deadline at the latest."""
        runs = [self.runs[name] for name in names]
        self._deadline.begin()
        for run in runs:
            self._lifecycle.begin(run)
        pending = {asyncio.ensure_future(run.settled.wait()) for run in runs}
        try:
            while pending and (left_s := self._deadline.left_s() + MARGIN_S) > 0:
                _, pending = await asyncio.wait(pending, timeout=left_s)
        finally:
            for wait in pending:
                wait.cancel()
        for run in runs:
            if not run.settled.is_set():
                await self._give_up(run)
        await asyncio.gather(*(self._outlive_start(run) for run in runs))
        for run in runs:
            is_good = run.progress is not None and run.verdict is not None and run.verdict.good
            if is_good and run.state == "unhealthy":
                reason = f"it was ready, and failed while others started: {run.text}"
                run.settle(Verdict(service=run.plan.name, kind="unhealthy", reason=reason))
        return [run.verdict for run in runs if run.verdict is not None]

    async def _outlive_start(self, run: ServiceRun) -> None:
        """Wait until a service that nothing probes has lived for a while, or has ended for good."""
        while run.progress is None and not self._has_ended(run):
            left_s = LIFE_S - run.elapsed_s() if run.state == "ready" else LIFE_S
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, LIFE_PAUSE_S))

    def _has_ended(self, run: ServiceRun) -> bool:
        """Whether another life by its restart policy would change nothing, or comes too late."""
        if run.state == "ready":
            return False
        is_completed = run.verdict is not None and run.verdict.kind == "completed"
        is_loop = run.restarts >= CRASH_LOOP or self._deadline.left_s() <= 0
        return is_completed or is_loop or run.task is None or run.task.done()

    async def _give_up(self, run: ServiceRun) -> None:
        """Give a service the verdict of the deadline."""
        failed = next((d for d in run.plan.service.depends_on if self._lifecycle.has_failed(d)), None)
        if run.state == "waiting" and failed is not None:
            verdict = self._lifecycle.dependency_failed(run, failed)
        elif run.state == "starting" and run.progress is not None and run.progress.is_failing:
            verdict = verdicts.at_deadline(run.progress, run.elapsed_s())
        else:
            state = f"{run.state} {run.text}".rstrip()
            text = f"after {self._deadline.limit_s:g} s (--timeout) it was still {state}"
            verdict = Verdict(service=run.plan.name, kind="timed out", reason=text, symptom="deadline")
        run.settle(verdict)
        await tasks.cancel(run.build, run.task, limit_s=CANCEL_LIMIT_S)

    def with_dependents(self, names: Sequence[str]) -> list[str]:
        """Return services and those that restart with them (``depends_on.restart``), in start order."""
        chosen: list[str] = []
        for name, run in self.runs.items():
            if name in names or any(d.restart and d.service in chosen for d in run.plan.service.depends_on):
                chosen.append(name)
        return chosen

    async def stop(self, name: str) -> None:
        """Stop one service."""
        run = self.runs[name]
        run.wanted = False
        run.enter("stopping")
        await tasks.cancel(run.task, limit_s=CANCEL_LIMIT_S)
        await self._stop_process(run, None)
        run.enter("stopped")

    async def stop_all(self, *, grace_s: float | None = None, at_once: bool = False) -> None:
        """Stop every service, dependencies last; ``at_once`` stops all side by side."""
        stopped = {name: asyncio.Event() for name in self.runs}

        async def end(name: str) -> None:
            dependents = [n for n, r in self.runs.items() if r.needs(name) and not at_once]
            await asyncio.gather(*(stopped[dependent].wait() for dependent in dependents))
            try:
                await self._end(self.runs[name], grace_s)
            finally:
                stopped[name].set()

        results = await asyncio.gather(*(end(name) for name in self.runs), return_exceptions=True)
        for name, error in zip(self.runs, results, strict=True):
            if error is not None:
                logging.getLogger("stack").error("%s", name, exc_info=error)
                cause = error.message if isinstance(error, StackError) else f"{type(error).__name__}: {error}"
                self._timeline.note(f"{name} could not be stopped: {cause}")
        for run in self.runs.values():
            run.log.close()

    async def _end(self, run: ServiceRun, grace_s: float | None) -> None:
        run.wanted = False
        await tasks.cancel(run.build, run.task, limit_s=CANCEL_LIMIT_S)
        if run.running is not None:
            run.enter("stopping")
            await self._stop_process(run, grace_s)
            run.enter("stopped")

    async def _stop_process(self, run: ServiceRun, grace_s: float | None) -> None:
        if run.running is None:
            return
        allowed_s = run.plan.service.stop_grace_period_s if grace_s is None else grace_s
        async with limited(run.plan.name, allowed_s + STOP_LIMIT_S):
            await run.running.stop(allowed_s)
        run.running = None
