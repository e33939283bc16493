"""One service of a running stack: its state, and every transition written to the timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from stack.engines.protocol import Exit, Running
from stack.health import verdicts
from stack.health.verdicts import Verdict
from stack.plan.plan import ServicePlan
from stack.records.service_logs import Log
from stack.records.timeline import Timeline
from stack.system import processes


@dataclass(kw_only=True)
class ServiceRun:
    """The mutable state of a service.

    ``started`` is set once its process runs, ``settled`` once it has a verdict. ``started_s`` is the clock's
    time at its start, 0 before; ``wanted`` is false once it was told to stop.
    """

    plan: ServicePlan
    log: Log
    timeline: Timeline
    clock: Callable[[], float]
    running: Running | None = None
    verdict: Verdict | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    build: asyncio.Task[None] | None = None
    wanted: bool = True
    started_s: float = 0.0
    state: str = "waiting"

    def enter(self, state: str, text: str = "", *, evidence: str = "") -> None:
        """Change the state."""
        self.state = state
        self.timeline.service(self.plan.name, state, text, seconds=self.elapsed_s(), evidence=evidence)

    def settle(self, verdict: Verdict) -> None:
        """Set the verdict; a bad one takes the last lines of the log as evidence."""
        self.verdict = verdict = replace(verdict, reason=verdict.reason + self._other_port(verdict))
        evidence = "" if verdict.good else "\n".join(self.log.tail())
        self.enter(verdict.kind, verdict.reason, evidence=evidence)
        self.started.set()
        self.settled.set()

    def _other_port(self, verdict: Verdict) -> str:
        """Return the end of the sentence for a service that listens at a port of its own choice."""
        if verdict.kind != "timed out" or self.running is None or not self.running.pid:
            return ""
        ports = processes.listening(self.running.pid)
        if not ports or ports & set(self.plan.ports.values()):
            return ""
        return f"; it listens at {', '.join(map(str, sorted(ports)))} instead"

    def record_probe(self, progress: verdicts.Progress) -> None:
        """Write the last observation to the timeline."""
        if (last := progress.last) is not None:
            self.timeline.write("probe", service=self.plan.name, state=last.kind, text=last.detail[:200])

    def record_process(self) -> None:
        """Write its first process to the timeline, so that it can be ended without the guardian."""
        pid = self.running.pid if self.running is not None else 0
        if pid:
            started = processes.started(pid) or 0.0
            self.timeline.write("process", service=self.plan.name, pid=pid, started=started)

    def elapsed_s(self) -> float:
        """Return the seconds since its start, 0 before."""
        return self.clock() - self.started_s if self.started_s else 0.0

    def needs(self, name: str) -> bool:
        return any(need.service == name for need in self.plan.service.depends_on)

    def restarts(self, end: Exit, restarts: int) -> bool:
        """Return whether it is started again after ``restarts`` of them: the compose key ``restart``."""
        policy, _, limit = self.plan.service.restart.partition(":")
        if policy in {"always", "unless-stopped"}:
            return True
        return policy == "on-failure" and end.code != 0 and (not limit or restarts < int(limit))
