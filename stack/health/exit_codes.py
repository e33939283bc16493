"""Exit codes of services: what they show, and in words."""

from __future__ import annotations

import signal
from typing import Final, Literal

ExitSymptom = Literal["ended", "killed", "signal", "exit code", "no memory"]
CHILD_OOM: Final = ", after its memory limit had ended a process of it"


def symptom(code: int, *, oom: bool = False) -> ExitSymptom:
    """Return what an exit shows; ``oom``: the kernel ended a process of the service for want of memory."""
    if oom:
        return "no memory"
    number = _signal_number(code)
    if number == signal.SIGKILL:
        return "killed"
    return "signal" if number else "exit code" if code else "ended"


def _signal_number(code: int) -> int:
    """Return the signal that an exit code stands for (negative, or 128+n as POSIX shells say), else 0."""
    return -code if code < 0 else code - 128 if 128 < code < 160 else 0


def in_words(code: int, *, oom: bool = False) -> str:
    """Return an exit code in words."""
    number = _signal_number(code)
    if not number:
        return f"exited with code {code}{CHILD_OOM if oom else ''}"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    why = " (out of memory)" if oom else ": out of memory?" if name == "SIGKILL" else ""
    return f"killed by {name}{why}"
