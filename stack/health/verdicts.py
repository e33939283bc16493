"""From observations to verdicts: a state machine without clock, process or network.

The rules for counting are the container engines' own
(https://docs.docker.com/reference/dockerfile/#healthcheck): failures during ``start_period`` do not
count, ``retries`` failures in a row, one an ``interval``, make a service unhealthy. Within that time
it may recover and is then simply ready. What waiting cannot change ends the wait earlier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from stack.health import exit_codes
from stack.health.exit_codes import ExitSymptom
from stack.health.probes import Observation
from stack.model import Healthcheck

VerdictKind = Literal[
    "ready", "completed", "exited", "unhealthy", "timed out", "port taken", "dependency failed"
]
Unready = Literal["refused", "hang", "no end", "slow", "wrong", "no program", "other port", "workers end"]
Symptom = ExitSymptom | Unready | Literal["", "deadline", "no check"]
"""What the evidence says about a service that failed; decides the advice."""

GOOD: Final = frozenset[VerdictKind]({"ready", "completed"})
BAD: Final = frozenset[VerdictKind](get_args(VerdictKind)) - GOOD
FAST_S, SLOW_S = 0.025, 1.0
PERMANENT_S = 5.0
"""How long an answer that waiting does not change, or idleness at another port, lasts before it is final."""

IDLE_S = 0.25
"""A service that uses no more processor time than this within ``PERMANENT_S`` is idle."""

MANY_ENDS = 10
"""So many ended worker processes belong to a service whose workers cannot start."""

AT_DEADLINE: Final = {
    "wrong": "still failing",
    "hang": "it accepts connections but hangs",
    "no end": "its health check does not end",
    "slow": "it answers too slowly",
    "refused": "nothing answers",
    "no program": "its health check cannot be run",
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The state of a service and the reason for it, ``seconds`` after its start.

    ``cause`` is the service that failed first, where the kind is ``dependency failed``.
    """

    service: str
    kind: VerdictKind
    reason: str
    seconds: float = 0.0
    cause: str | None = None
    symptom: Symptom = ""

    @property
    def good(self) -> bool:
        return self.kind in GOOD


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What the probes of a starting service have observed. Times are seconds since its start.

    ``deadline_s`` is the stack's deadline (``--timeout``); ``same_since_s`` is when the last observation was
    first made. ``ended_workers`` counts the worker processes that have ended. ``other_ports`` are
    those at which it listens instead of its ``own_ports``; a debugger's may be open first, so that they end
    the wait only where the service is idle: it has used ``processor_s``, and hardly more ``idle_since_s``.
    """

    service: str
    check: Healthcheck | None
    deadline_s: float
    probes: int = 0
    failures: int = 0
    last_failure_s: float = 0.0
    last: Observation | None = None
    same_since_s: float = 0.0
    own_ports: tuple[int, ...] = ()
    other_ports: tuple[int, ...] = ()
    ended_workers: int = 0
    processor_s: float = 0.0
    idle_since_s: float = 0.0

    @property
    def is_failing(self) -> bool:
        """Return whether there was a probe, and the last one did not succeed."""
        return self.last is not None and self.last.kind != "ok"

    def allowed_s(self) -> float:
        """Return how long the check itself allows before the service counts as unhealthy."""
        if self.check is None:
            return float("inf")
        return self.check.start_period_s + self.check.retries * self.check.interval_s + self.check.timeout_s

    def patience_s(self) -> float:
        """Return when the wait ends: at the check's end or at the stack's deadline."""
        return min(self.deadline_s, self.allowed_s())


def begin(service: str, check: Healthcheck | None, *, deadline_s: float) -> Progress:
    """Return the progress of a service that has just been started."""
    return Progress(service=service, check=check, deadline_s=deadline_s)


def after_look_at_ports(progress: Progress, listening: set[int]) -> Progress:
    """Return the progress after a look at the ports at which the service listens."""
    others = () if listening & set(progress.own_ports) else tuple(sorted(listening))
    return replace(progress, other_ports=others)


def after_look_at_processor(progress: Progress, used_s: float, now_s: float) -> Progress:
    """Return the progress after a look at how much processor time the service has used since its start."""
    if used_s - progress.processor_s <= IDLE_S:
        return progress
    return replace(progress, processor_s=used_s, idle_since_s=now_s)


def after_probe(
    progress: Progress, observation: Observation, now_s: float
) -> tuple[Progress, Verdict | None]:
    """Return the progress after an observation at ``now_s``, and the verdict where it is final."""
    if progress.last is None or _key(progress.last) != _key(observation):
        progress = replace(progress, same_since_s=now_s)
    progress = replace(progress, probes=progress.probes + 1, last=observation)
    if observation.kind == "ok":
        return progress, _verdict(progress, "ready", observation.detail, now_s)
    if progress.check is not None and _counts(progress, progress.check, now_s):
        progress = replace(progress, failures=progress.failures + 1, last_failure_s=now_s)
    return progress, at_deadline(progress, now_s) if _is_over(progress, observation, now_s) else None


def at_deadline(progress: Progress, now_s: float) -> Verdict:
    """Return the verdict of a service that did not become ready in time: failing, hanging or absent."""
    last = progress.last
    if last is None:
        return _verdict(progress, "timed out", f"after {now_s:.1f} s no probe completed", now_s)
    kind: VerdictKind = "unhealthy" if last.kind in {"wrong", "no program"} else "timed out"
    number = "one probe" if progress.probes == 1 else f"{progress.probes} probes"
    tried = f"after {now_s:.1f} s and {number}"
    reason = f"{tried} {AT_DEADLINE[last.kind]}: {last.detail}{findings(progress)}{_limit(progress, now_s)}"
    return replace(_verdict(progress, kind, reason, now_s), symptom=_symptom(progress, now_s))


def findings(progress: Progress) -> str:
    """Return the rest of a sentence: what else is known of a service that is not ready."""
    parts = []
    if progress.other_ports:
        listens, own = (", ".join(map(str, ports)) for ports in (progress.other_ports, progress.own_ports))
        parts.append(f"; it listens at {listens} instead of {own}")
    if progress.ended_workers > 1:
        parts.append(f"; its worker processes have ended {progress.ended_workers} times")
    return "".join(parts)


def _limit(progress: Progress, now_s: float) -> str:
    if not _ended_by_deadline(progress, now_s):
        return ""
    return f"; --timeout ended the wait, its health check allows {progress.allowed_s():.0f} s"


def _ended_by_deadline(progress: Progress, now_s: float) -> bool:
    """Return whether the stack's deadline ended a wait that the check itself would have gone on with."""
    return progress.check is not None and progress.deadline_s <= now_s < progress.allowed_s()


def _symptom(progress: Progress, now_s: float) -> Symptom:
    last = progress.last
    if last is None:
        return ""
    if progress.ended_workers >= MANY_ENDS:
        return "workers end"
    if progress.other_ports and last.kind == "refused":
        return "other port"
    if last.kind == "refused" and _ended_by_deadline(progress, now_s):
        return "deadline"
    return "" if last.kind == "ok" else last.kind


def after_exit(
    service: str, code: int, now_s: float, *, is_job: bool, oom: bool = False, unknown: str = ""
) -> Verdict:
    """Return the verdict of a process that ended. A job may end with 0; other services are to stay."""
    if code == 0 and is_job:
        return Verdict(service=service, kind="completed", reason="ended with 0", seconds=now_s)
    if code == 0:
        reason = "ended on its own with exit code 0, but it has a health check, so it is no job"
    else:
        reason = (
            f"its engine cannot tell what became of it: {unknown}"
            if unknown
            else exit_codes.in_words(code, oom=oom)
        )
    symptom = exit_codes.symptom(code, oom=oom)
    return Verdict(service=service, kind="exited", reason=reason, seconds=now_s, symptom=symptom)


def next_probe_s(progress: Progress, now_s: float) -> float:
    """Return the pause before the next probe: 25 ms at first, 5% of the time waited later, 1 s at most."""
    return min(max(FAST_S, now_s * 0.05), SLOW_S)


def _counts(progress: Progress, check: Healthcheck, now_s: float) -> bool:
    if now_s < check.start_period_s:
        return False
    return progress.failures == 0 or now_s - progress.last_failure_s >= check.interval_s


def _is_over(progress: Progress, observation: Observation, now_s: float) -> bool:
    check = progress.check
    if now_s >= progress.patience_s() or observation.kind == "no program":
        return True
    if progress.ended_workers >= MANY_ENDS:
        return True
    if observation.kind == "wrong" and check is not None and progress.failures >= check.retries:
        return True
    return now_s - _permanent_since_s(progress, observation) >= PERMANENT_S


def _permanent_since_s(progress: Progress, observation: Observation) -> float:
    """Return since when waiting has not seemed to change an observation, infinity where it may."""
    if observation.permanent:
        return progress.same_since_s
    if observation.kind == "refused" and progress.other_ports:
        return max(progress.same_since_s, progress.idle_since_s)
    return float("inf")


def _key(observation: Observation) -> tuple[str, bool]:
    return observation.kind, observation.permanent


def _verdict(progress: Progress, kind: VerdictKind, reason: str, now_s: float) -> Verdict:
    return Verdict(service=progress.service, kind=kind, reason=reason, seconds=now_s)
