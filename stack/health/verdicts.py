"""From observations to verdicts: a state machine without clock, process or network.

The rules for counting are the container engines' own
(https://docs.docker.com/reference/dockerfile/#healthcheck): failures during ``start_period`` do not
count, ``retries`` failures in a row, one an ``interval``, make a service unhealthy. Within that time
it may recover and is then simply ready.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from stack.health.probes import Observation
from stack.model import Healthcheck

VerdictKind = Literal[
    "ready", "completed", "exited", "unhealthy", "timed out", "port taken", "dependency failed"
]

GOOD: Final = frozenset[VerdictKind]({"ready", "completed"})
BAD: Final = frozenset[VerdictKind](get_args(VerdictKind)) - GOOD
FAST_S, SLOW_S = 0.025, 1.0
AT_DEADLINE: Final = {
    "wrong": "still failing",
    "hang": "it accepts connections but hangs",
    "refused": "nothing answers",
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

    @property
    def good(self) -> bool:
        return self.kind in GOOD


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What the probes of a starting service have observed. Times are seconds since its start."""

    service: str
    check: Healthcheck | None
    deadline_s: float
    probes: int = 0
    failures: int = 0
    last_failure_s: float = 0.0
    last: Observation | None = None

    def patience_s(self) -> float:
        """Return how long the check itself allows before the service counts as unhealthy."""
        if self.check is None:
            return self.deadline_s
        allowed = (
            self.check.start_period_s + self.check.retries * self.check.interval_s + self.check.timeout_s
        )
        return min(self.deadline_s, allowed)


def begin(service: str, check: Healthcheck | None, *, deadline_s: float) -> Progress:
    """Return the progress of a service that has just been started."""
    return Progress(service=service, check=check, deadline_s=deadline_s)


def after_probe(
    progress: Progress, observation: Observation, now_s: float
) -> tuple[Progress, Verdict | None]:
    """Return the progress after an observation at ``now_s``, and the verdict where it is final."""
    progress = replace(progress, probes=progress.probes + 1, last=observation)
    if observation.kind == "ok":
        return progress, Verdict(
            service=progress.service, kind="ready", reason=observation.detail, seconds=now_s
        )
    if progress.check is not None and _counts(progress, progress.check, now_s):
        progress = replace(progress, failures=progress.failures + 1, last_failure_s=now_s)
    return progress, at_deadline(progress, now_s) if _is_over(progress, observation, now_s) else None


def at_deadline(progress: Progress, now_s: float) -> Verdict:
    """Return the verdict of a service that did not become ready in time: failing, hanging or absent."""
    last = progress.last
    if last is None:
        return _verdict(progress, "timed out", f"after {now_s:.1f} s no probe completed", now_s)
    kind: VerdictKind = "unhealthy" if last.kind == "wrong" else "timed out"
    tried = f"after {now_s:.1f} s and {progress.probes} probes"
    return _verdict(progress, kind, f"{tried} {AT_DEADLINE[last.kind]}: {last.detail}", now_s)


def after_exit(service: str, code: int, now_s: float, *, awaited: bool, oom: bool = False) -> Verdict:
    """Return the verdict of a process that ended; ``awaited``: other services wait for its completion."""
    if code == 0 and awaited:
        return Verdict(service=service, kind="completed", reason="ended with 0", seconds=now_s)
    if code == 0:
        reason = "ended on its own with exit code 0, but no service waits for its completion"
    else:
        reason = code_in_words(code, oom=oom)
    return Verdict(service=service, kind="exited", reason=reason, seconds=now_s)


def code_in_words(code: int, *, oom: bool = False) -> str:
    """Return an exit code in words; negative codes and 128+n are signals (POSIX shells)."""
    number = -code if code < 0 else code - 128 if 128 < code < 160 else 0
    if not number:
        return f"exited with code {code}"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    why = " (out of memory)" if oom else ": out of memory?" if name == "SIGKILL" else ""
    return f"killed by {name}{why}"


def next_probe_s(progress: Progress, now_s: float) -> float:
    """Return the pause before the next probe: 25 ms at first, 5% of the time waited later, 1 s at most."""
    return min(max(FAST_S, now_s * 0.05), SLOW_S)


def _counts(progress: Progress, check: Healthcheck, now_s: float) -> bool:
    if now_s < check.start_period_s:
        return False
    return progress.failures == 0 or now_s - progress.last_failure_s >= check.interval_s


def _is_over(progress: Progress, observation: Observation, now_s: float) -> bool:
    if now_s >= progress.patience_s():
        return True
    return (
        observation.kind == "wrong"
        and progress.check is not None
        and progress.failures >= progress.check.retries
    )


def _verdict(progress: Progress, kind: VerdictKind, reason: str, now_s: float) -> Verdict:
    return Verdict(service=progress.service, kind=kind, reason=reason, seconds=now_s)
