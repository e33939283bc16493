"""One service of a living stack: what it is now, and the word that is left of every change."""

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
    """``started`` is set once it runs, ``settled`` once it has a verdict; ``since`` is its start."""

    plan: ServicePlan
    log: Log
    journal: Timeline
    clock: Callable[[], float]
    running: Running | None = None
    verdict: Verdict | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    build: asyncio.Task[None] | None = None
    wanted: bool = True
    since: float = 0.0
    state: str = "waiting"

    def enter(self, state: str, text: str = "", *, hint: str = "") -> None:
        """Change its state."""
        self.state = state
        self.journal.service(self.plan.name, state, text, seconds=self.waited_s(), hint=hint)

    def settle(self, verdict: Verdict) -> None:
        """Give it a verdict; one that is not good brings the last lines of its log as evidence."""
        verdict = self.verdict = replace(verdict, reason=verdict.reason + self._elsewhere(verdict))
        evidence = "" if verdict.good else "\n".join(self.log.tail())
        self.enter(verdict.kind, verdict.reason, hint=evidence)
        self.started.set()
        self.settled.set()

    def _elsewhere(self, verdict: Verdict) -> str:
        """Return the words for a service that nobody reaches because it listens at another port."""
        if verdict.kind != "timed out" or self.running is None or not self.running.pid:
            return ""
        ports = processes.listening(self.running.pid)
        if not ports or ports & set(self.plan.ports.values()):
            return ""
        return f"; it listens at {', '.join(map(str, sorted(ports)))} instead"

    def note_probe(self, progress: verdicts.Progress) -> None:
        """Leave word of what the last probe saw."""
        if (last := progress.last) is not None:
            self.journal.write("probe", service=self.plan.name, state=last.kind, text=last.detail[:200])

    def note_process(self) -> None:
        """Leave word of its first process, for whoever has to end it when the guardian cannot."""
        pid = self.running.pid if self.running is not None else 0
        if pid:
            self.journal.write(
                "process", service=self.plan.name, pid=pid, started=processes.started(pid) or 0.0
            )

    def waited_s(self) -> float:
        """Return the seconds since its start, 0 before."""
        return self.clock() - self.since if self.since else 0.0

    def needs(self, name: str) -> bool:
        return any(need.service == name for need in self.plan.service.depends_on)

    def restarts(self, how: Exit, so_far: int) -> bool:
        """Return whether it is started again: the compose specification's ``restart``."""
        policy, _, limit = self.plan.service.restart.partition(":")
        if policy in {"always", "unless-stopped"}:
            return True
        return policy == "on-failure" and how.code != 0 and (not limit or so_far < int(limit))
