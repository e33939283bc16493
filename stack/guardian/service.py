"""One service of a running stack: its state, and every transition written to the timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from stack.engines.protocol import Exit, Running
from stack.health import verdicts
from stack.health.verdicts import Verdict
from stack.plan.plan import ServicePlan
from stack.records.service_logs import Log
from stack.records.timeline import Timeline
from stack.system import processes

CRASH_LOOP = 5


@dataclass(kw_only=True)
class ServiceRun:
    """The mutable state of a service.

    ``built`` is set once it can be started, ``started`` once its process runs, ``settled`` once it has a
    verdict, ``ended`` once that is another one than ready. ``started_s`` is the clock's time at its start, 0
    before; ``wanted`` is false once it was told to stop. ``restarts`` counts the lives after the first.
    ``undebugged`` is its own plan while it runs under a debugger.
    """

    plan: ServicePlan
    log: Log
    timeline: Timeline
    clock: Callable[[], float]
    running: Running | None = None
    verdict: Verdict | None = None
    built: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    build: asyncio.Task[None] | None = None
    wanted: bool = True
    started_s: float = 0.0
    state: str = "waiting"
    text: str = ""
    progress: verdicts.Progress | None = None
    restarts: int = 0
    undebugged: ServicePlan | None = None

    def debug(self, plan: ServicePlan | None) -> None:
        """Let its next start be by ``plan``, under a debugger, or by its own plan again (None)."""
        own = self.undebugged or self.plan
        self.plan, self.undebugged = plan or own, own if plan is not None else None

    @property
    def debug_port(self) -> int:
        """Return where its debugger listens, 0 where it has none."""
        own = self.plan if self.undebugged is None else self.undebugged
        return next(iter(self.plan.ports.keys() - own.ports.keys()), 0)

    def enter(self, state: str, text: str = "", *, evidence: str = "", symptom: str = "") -> None:
        """Change the state."""
        self.state, self.text = state, text
        seconds = round(self.elapsed_s(), 3)
        self.timeline.service(
            self.plan.name, state, text, seconds=seconds, evidence=evidence, symptom=symptom
        )

    def settle(self, verdict: Verdict) -> None:
        """Set the verdict; a bad one takes the last lines of the log as evidence."""
        self.verdict = verdict
        evidence = "" if verdict.good else "\n".join(self.log.tail())
        self.enter(verdict.kind, verdict.reason, evidence=evidence, symptom=verdict.symptom)
        self.built.set()
        self.started.set()
        self.settled.set()
        if verdict.kind != "ready":
            self.ended.set()

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

    def require_running(self) -> Running:
        """Return the started service."""
        assert self.running is not None, f"{self.plan.name} has not been started"
        return self.running

    @property
    def is_running(self) -> bool:
        """Return whether its process runs and was not told to stop."""
        return self.wanted and self.running is not None

    @property
    def has_check(self) -> bool:
        """Return whether a health check says when it is ready."""
        check = self.plan.service.healthcheck
        return check is not None and check.test[:1] != ("NONE",)

    def needs(self, name: str) -> bool:
        return any(need.service == name for need in self.plan.service.depends_on)

    def may_restart(self, end: Exit) -> bool:
        """Return whether it is started again: the compose key ``restart``, up to a crash loop.

        A service that was never ready is not started again after ``CRASH_LOOP`` restarts.
        """
        policy, _, limit = self.plan.service.restart.partition(":")
        if not self.settled.is_set() and self.restarts >= CRASH_LOOP:
            return False
        if policy in {"always", "unless-stopped"}:
            return True
        return policy == "on-failure" and end.code != 0 and (not limit or self.restarts < int(limit))
