"""The life of one service: build, wait for its dependencies, start, become ready, end, start again."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from stack.engines.protocol import Engine, Exit, Running
from stack.errors import PortTaken, StackError
from stack.guardian.deadline import Deadline
from stack.guardian.readiness import Readiness, watch
from stack.guardian.service import ServiceRun
from stack.health import checks, verdicts
from stack.health.probes import Probe
from stack.health.verdicts import Verdict, VerdictKind
from stack.model import Dependency
from stack.plan.plan import ServicePlan
from stack.records.timeline import Timeline
from stack.system import ports, tasks

BUILD_LIMIT_S = 1800.0
RESTART_PAUSE_S = 60.0
"""The longest pause before a service is started again."""


def _no_deadline() -> float:
    """Return how long a service may take that starts again by its restart policy: as its check says."""
    return math.inf


WhenUp = Callable[[ServicePlan, Running], Awaitable[None]]


class Lifecycle:
    """Runs the services of a stack, each in a task of its own."""

    def __init__(
        self,
        engine: Engine,
        runs: Mapping[str, ServiceRun],
        timeline: Timeline,
        deadline: Deadline,
        *,
        when_up: WhenUp,
    ) -> None:
        """``when_up`` is awaited when a service's check succeeded, before others may use the service.

        Of a service without a check it runs beside the service.
        """
        self._engine, self._runs, self._timeline, self._deadline = engine, runs, timeline, deadline
        self._when_up = when_up

    def begin(self, run: ServiceRun) -> None:
        """Start a service's task. However the task ends, the service has a verdict."""
        run.built.clear()
        run.started.clear()
        run.settled.clear()
        run.verdict, run.wanted, run.restarts, run.progress = None, True, 0, None
        run.task = asyncio.create_task(self._run(run), name=run.plan.name)
        run.task.add_done_callback(lambda task: self._require_verdict(run, task))

    def _require_verdict(self, run: ServiceRun, task: asyncio.Task[None]) -> None:
        if not run.wanted or task.cancelling():
            return
        failure = tasks.failure(task)
        if failure or not run.settled.is_set():
            self._fail(run, failure or "its task ended without a verdict")

    async def _run(self, run: ServiceRun) -> None:
        try:
            await self._build(run)
            if (failed := await self._wait_for_dependencies(run)) is not None:
                run.settle(failed)
                return
            await self._live(run)
        except StackError as error:
            self._timeline.write(
                "error", text=error.message, hint=error.hint, code=error.code, service=run.plan.name
            )
            kind: VerdictKind = "port taken" if isinstance(error, PortTaken) else "exited"
            run.settle(Verdict(service=run.plan.name, kind=kind, reason=error.message))
        except Exception as error:  # a bug of the engine: a verdict, never a silent hang
            logging.getLogger("stack").exception("%s", run.plan.name)
            self._fail(run, f"{type(error).__name__}: {error}")

    def _fail(self, run: ServiceRun, reason: str) -> None:
        run.settle(Verdict(service=run.plan.name, kind="exited", reason=f"the engine failed: {reason}"))

    async def _build(self, run: ServiceRun) -> None:
        run.enter("building")
        with self._deadline.paused():
            run.build = asyncio.create_task(self._engine.build(run.plan, self._timeline.note))
            await asyncio.wait({run.build}, timeout=BUILD_LIMIT_S)
        if not run.build.done():
            run.build.cancel()
            raise StackError(f"The build of {run.plan.name} did not end within {BUILD_LIMIT_S:g} s.")
        run.build.result()
        await self._take_image_check(run)
        run.built.set()

    async def _take_image_check(self, run: ServiceRun) -> None:
        """Let the health check of the image count where the compose file has none."""
        service = run.plan.service
        if service.healthcheck is not None or service.healthcheck_disabled:
            return
        if check := await self._engine.image_check(run.plan):
            run.plan = replace(
                run.plan,
                service=replace(service, healthcheck=check),
                healthcheck=check.test,
                executed=check.test,
            )

    async def _wait_for_dependencies(self, run: ServiceRun) -> Verdict | None:
        needs = [d for d in run.plan.service.depends_on if d.service in self._runs]
        if needs:
            run.enter("waiting", "for " + ", ".join(d.service for d in needs))
        verdicts = await asyncio.gather(*(self._wait_for(run, need) for need in needs))
        return next((verdict for verdict in verdicts if verdict is not None), None)

    async def _wait_for(self, run: ServiceRun, need: Dependency) -> Verdict | None:
        """Wait until the condition of a dependency is met; return the verdict where it never will be."""
        other = self._runs[need.service]
        if need.condition == "service_started":
            await other.started.wait()
        else:
            await other.built.wait()
            if need.condition == "service_healthy" and not other.has_check and need.required:
                reason = f"{need.service} has no health check, so it never becomes healthy"
                return Verdict(
                    service=run.plan.name, kind="dependency failed", reason=reason, symptom="no check"
                )
            is_job = need.condition == "service_completed_successfully"
            await (other.ended if is_job else other.settled).wait()
        return self.dependency_failed(run, need) if self.has_failed(need) else None

    def has_failed(self, need: Dependency) -> bool:
        """Return whether a required dependency has a bad verdict."""
        verdict = self._runs[need.service].verdict if need.service in self._runs else None
        return verdict is not None and not verdict.good and need.required

    def dependency_failed(self, run: ServiceRun, need: Dependency) -> Verdict:
        """Return the verdict of a service whose dependency has failed."""
        verdict = self._runs[need.service].verdict
        cause = need.service if verdict is None else verdict.cause or verdict.service
        reason = f"dependency {need.service} failed"
        return Verdict(service=run.plan.name, kind="dependency failed", reason=reason, cause=cause)

    async def _live(self, run: ServiceRun) -> None:
        """Start a service, and again as long as its restart policy says so."""
        while run.wanted:
            if (taken := self._port_taken(run)) is not None:
                run.settle(taken)
                return
            end = await self._live_once(run)
            if not run.wanted:
                return
            verdict, again = await self._after_exit(run, end), run.may_restart(end)
            final = not again or verdict.kind == "port taken"
            if final or run.settled.is_set():
                run.settle(verdict)
            if final:
                return
            run.restarts += 1
            run.enter("restarting", verdict.reason)
            await asyncio.sleep(min(0.1 * 2**run.restarts, RESTART_PAUSE_S))

    async def _live_once(self, run: ServiceRun) -> Exit:
        """Start a service, wait until it is ready, watch it until its end; return how it ended."""
        run.enter("starting")
        run.started_s = run.clock()
        run.running = await self._engine.start(run.plan, run.log)
        run.record_process()
        run.started.set()
        ended = asyncio.ensure_future(run.running.wait())
        probe = checks.choose(run.plan, run.running.execute, run.running.connect)
        watching = None
        try:
            await self._become_ready(run, probe, ended)
            watching = asyncio.create_task(self._watch(run, probe), name=f"watch {run.plan.name}")
            watching.add_done_callback(lambda task: self._note_failure(run, task))
            return await ended
        finally:
            ended.cancel()
            if watching is not None:
                watching.cancel()

    async def _watch(self, run: ServiceRun, probe: Probe | None) -> None:
        if probe is None:
            await self._when_up(run.plan, run.require_running())
        await watch(run, probe)

    def _note_failure(self, run: ServiceRun, watching: asyncio.Task[None]) -> None:
        """Let a service whose watch failed be unhealthy: nobody would notice otherwise."""
        tasks.log_failure(watching)
        if failure := tasks.failure(watching):
            run.enter("unhealthy", f"the engine failed: {failure}")

    async def _become_ready(self, run: ServiceRun, probe: Probe | None, ended: asyncio.Future[Exit]) -> None:
        if probe is not None:
            left_s = _no_deadline if run.settled.is_set() else self._deadline.left_s
            verdict = await Readiness(run, probe, left_s).wait(ended)
            if verdict is not None:
                if verdict.good:
                    await self._when_up(run.plan, run.require_running())
                run.settle(verdict)
        elif not run.plan.awaited:
            run.settle(Verdict(service=run.plan.name, kind="ready", reason="started"))

    async def _after_exit(self, run: ServiceRun, end: Exit) -> Verdict:
        """Return the verdict of an exit. Its own children are ended first: they may hold its port."""
        tried_to_bind = run.verdict is None
        if run.running is not None:
            await run.running.stop(0)
            tried_to_bind &= run.running.pid > 0  # a container's port is freed by its engine, later
        run.running = None
        is_job = run.plan.awaited or not run.has_check
        verdict = verdicts.after_exit(
            run.plan.name, end.code, run.elapsed_s(), is_job=is_job, oom=end.oom, unknown=end.unknown
        )
        if verdict.kind == "exited" and tried_to_bind and (taken := self._port_taken(run)) is not None:
            return taken
        return verdict

    def _port_taken(self, run: ServiceRun) -> Verdict | None:
        for port in run.plan.ports.values():
            if not ports.is_free(port):
                reason = f"port {port} is held by {ports.holder(port)}"
                return Verdict(
                    service=run.plan.name, kind="port taken", reason=reason, seconds=run.elapsed_s()
                )
        return None
