"""Probing one service: until it is ready, and from then on until its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stack.engines.protocol import Exit
from stack.guardian.service import ServiceRun
from stack.guardian.workers import LOOK_S, Workers
from stack.health import probes, verdicts
from stack.health.probes import CommandProbe, HttpProbe, Observation, Probe, RedisProbe
from stack.health.verdicts import Progress, Verdict
from stack.plan import images
from stack.system import processes

SHOWN_AFTER_S = 2.0
"""From then on people are shown what the probes observe."""

PORTS_AGAIN = 2.0
"""A service's ports are looked at again after twice the time: one look costs up to 30 ms of processor,
because the kernel walks all connections of the machine (Documentation/networking/proc_net_tcp.rst)."""

PATIENT_S = 2.0
"""How long the last probe of a service that seems to hang may take, to tell slow from hanging."""

SHORT_S = 1.0
"""A request that the stack's deadline cuts off sooner does not show that a service hangs; a command that it
cuts off at all shows nothing."""

SILENT = frozenset({"hang", "no end"})
"""What was observed where there was no answer in time."""


class Readiness:
    """The wait until a service is ready; ``left_s`` returns the seconds until the stack's deadline."""

    def __init__(self, run: ServiceRun, probe: Probe, left_s: Callable[[], float]) -> None:
        self._run, self._probe, self._left_s = run, probe, left_s
        self._check = run.plan.service.healthcheck
        self._timeout_s = self._check.timeout_s if self._check is not None else 5.0
        self._workers = Workers()
        self._ports_seen_s = 0.0
        self._shown: tuple[object, ...] = ()
        own_ports = (probe.port,) if isinstance(probe, HttpProbe | RedisProbe) else run.plan.listens()
        progress = verdicts.begin(run.plan.name, self._check, deadline_s=left_s())
        run.progress = replace(progress, own_ports=own_ports)

    async def wait(self, ended: asyncio.Future[Exit]) -> Verdict | None:
        """Probe until there is a verdict; return None where the service ended meanwhile."""
        run = self._run
        while True:
            observation = await self._observe(ended)
            if ended.done():
                return None
            if (verdict := self._after_probe(observation)) is not None:
                return await self._confirmed(verdict)
            assert run.progress is not None
            await asyncio.wait({ended}, timeout=verdicts.next_probe_s(run.progress, run.elapsed_s()))

    async def _observe(self, ended: asyncio.Future[Exit]) -> Observation:
        """Probe once; return what was observed, at the latest when the service or many workers have ended."""
        progress = self._run.progress
        assert progress is not None
        limit_s = min(self._timeout_s, max(progress.patience_s() - self._run.elapsed_s(), 0.05))
        probing = asyncio.ensure_future(probes.observe(self._probe, limit_s))
        both: set[asyncio.Future[Any]] = {probing, ended}
        try:
            while not (await asyncio.wait(both, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED))[0]:
                if self._look_at_workers():
                    break
            if probing.done():
                return self._evidence(probing.result(), limit_s)
            return Observation(kind="hang", detail=f"{self._probe.question}: no answer yet")
        finally:
            probing.cancel()

    def _look_at_workers(self) -> bool:
        """Look at the workers; return whether so many have ended that the service cannot become ready.

        Postgres makes a process for each connection: theirs are not counted.
        """
        is_postgres = images.server_kind(self._run.plan.server_image) == "postgres"
        return not is_postgres and self._run.elapsed_s() >= SHOWN_AFTER_S and self._workers.look(self._pid())

    def _evidence(self, observation: Observation, limit_s: float) -> Observation:
        """Return what a probe shows; one that had no time for its answer shows what the one before it did."""
        last = self._run.progress.last if self._run.progress is not None else None
        enough_s = {"hang": min(self._timeout_s, SHORT_S), "no end": self._timeout_s}
        is_cut_off = limit_s < enough_s.get(observation.kind, 0.0)
        return last if is_cut_off and last is not None else observation

    def _after_probe(self, observation: Observation) -> Verdict | None:
        run = self._run
        assert run.progress is not None
        now_s = run.elapsed_s()
        if observation.kind != "ok":
            self._look_at_workers()
        progress = replace(run.progress, deadline_s=now_s + self._left_s(), ended_workers=self._workers.ended)
        look_again_s = max(SHOWN_AFTER_S, self._ports_seen_s * PORTS_AGAIN)
        if self._may_listen_elsewhere(observation) and now_s >= look_again_s:
            progress = self._with_ports(progress)
        if progress.other_ports:
            progress = verdicts.after_look_at_processor(progress, processes.processor_s(self._pid()), now_s)
        run.progress, verdict = verdicts.after_probe(progress, observation, now_s)
        run.record_probe(run.progress)
        if verdict is None and now_s >= SHOWN_AFTER_S:
            self._show(run.progress)
        return verdict

    def _pid(self) -> int:
        return self._run.running.pid if self._run.running is not None else 0

    def _may_listen_elsewhere(self, observation: Observation) -> bool:
        """Return whether the observation leaves open that the service listens at another port."""
        failed_command = isinstance(self._probe, CommandProbe) and observation.kind != "ok"
        return observation.kind == "refused" or failed_command

    def _with_ports(self, progress: Progress) -> Progress:
        """Return the progress with the ports at which the service listens instead of its own."""
        self._ports_seen_s = self._run.elapsed_s()
        ports = processes.listening(self._pid()) if progress.own_ports and self._pid() else set()
        return verdicts.after_look_at_ports(progress, ports)

    def _show(self, progress: Progress) -> None:
        """Show people why the service is not ready yet, once for each reason."""
        assert progress.last is not None
        last = progress.last
        reason = (last.kind, last.permanent, progress.other_ports, progress.ended_workers > 1)
        if reason != self._shown:
            self._shown = reason
            self._run.enter("starting", f"not ready yet: {progress.last.detail}{verdicts.findings(progress)}")

    async def _confirmed(self, verdict: Verdict) -> Verdict:
        """Return a bad verdict with what only the end shows: its ports, and slow instead of hanging."""
        run, progress = self._run, self._run.progress
        if verdict.good or progress is None:
            return verdict
        last = progress.last
        if last is not None and self._may_listen_elsewhere(last):
            progress = self._with_ports(progress)
        if last is not None and last.kind in SILENT and self._timeout_s < PATIENT_S:
            observation = await probes.observe(self._probe, PATIENT_S)
            if observation.kind not in SILENT:
                answer = f"{self._probe.question}: {observation.detail}"
                detail = f"{answer}, but not within the {self._timeout_s:g} s of its health check"
                progress = replace(progress, last=Observation(kind="slow", detail=detail))
        return verdicts.at_deadline(progress, run.elapsed_s())


async def watch(run: ServiceRun, probe: Probe | None) -> None:
    """Probe at the compose interval; record when a ready service becomes unhealthy, and recovers."""
    check = run.plan.service.healthcheck
    if probe is None or check is None or run.undebugged is not None:
        return  # a service that stands at a breakpoint does not answer
    failures = 0
    while True:
        await asyncio.sleep(check.interval_s)
        observation = await probes.observe(probe, check.timeout_s)
        failures = 0 if observation.kind == "ok" else failures + 1
        if failures == check.retries:
            run.enter("unhealthy", observation.detail)
        elif failures == 0 and run.state in verdicts.BAD:
            run.enter("ready", observation.detail)
