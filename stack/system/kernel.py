"""What the kernel gives so that nothing outlives its guardian, and what is typed goes before its stack.

On Linux: a PID namespace, whose end ends all in it, double forks included (pid_namespaces(7)); where
that is not allowed, the parent-death signal for direct children (PR_SET_PDEATHSIG(2const)). Elsewhere:
process groups and the sweep by token.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from stack.system import programs

TRIAL_S = 5.0
PR_SET_PDEATHSIG = 1
ROOT_PREFIX = ("unshare", "--pid", "--fork", "--kill-child=KILL")
USER_PREFIX = ("unshare", "--user", "--map-current-user", "--keep-caps", *ROOT_PREFIX[1:])
"""The guardian keeps its capabilities in its own user namespace: it gives networks to services."""

LOWER_PRIORITY = 5
"""Added to the nice value: a third of the share that others have, where processors are short."""

AUTOGROUP = Path("/proc/self/autogroup")


def namespace_prefix() -> tuple[str, ...]:
    """Return the words that put a command into a PID namespace of its own; empty where not allowed."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return ()
    if os.environ.get("STACK_NAMESPACE", "1") == "0":
        return ()
    prefix = ROOT_PREFIX if os.geteuid() == 0 else USER_PREFIX
    return prefix if programs.succeeds([*prefix, "true"], timeout_s=TRIAL_S) else ()


def in_namespace() -> bool:
    """Return whether this process is the first of a PID namespace, so that the kernel ends all others."""
    return os.getpid() == 1


def die_with_parent() -> Callable[[], None] | None:
    """Return what a child runs before its program so that it ends with us; None where it is not needed."""
    if in_namespace() or not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the signal was asked for
            os._exit(1)

    return bind


def lower_priority() -> None:
    """Lower the priority of this process and of what it starts: others go first where processors are short.

    Where Linux shares the processors between sessions, nice values count within one, and the session has
    a value of its own (sched(7), "The autogroup feature").
    """
    os.nice(LOWER_PRIORITY)
    with contextlib.suppress(OSError):  # there is no such feature
        AUTOGROUP.write_text(str(LOWER_PRIORITY))
