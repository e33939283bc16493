"""Owners of a stack as processes: started, waited for, killed; and the stack's guardian."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from faults.settings import ENGINE, PATIENCE_S
from faults.tree import Tree
from stack.records import folders, state
from stack.system.directories import ROOT

OWNER = Path(__file__).parent / "owner.py"
RUNS = "the toy's test runs"
PHASES = ("building", "db .* starting", "db .* ready", "web .* waiting", "web .* ready", "up in", RUNS)
"""What the main job prints, phase by phase."""


def owner_command(tree: Tree, verb: str) -> list[str]:
    """Return the command that starts an owner."""
    return [sys.executable, str(OWNER), verb, str(tree.folder), ENGINE]


def owner_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}


def start_owner(tree: Tree, verb: str, *, terminal: int | None = None) -> subprocess.Popen[str]:
    """Start an owner in a session of its own; with ``terminal`` that is the session's."""
    prefix = [] if terminal is None else ["setsid", "--ctty"]
    return subprocess.Popen(
        [*prefix, *owner_command(tree, verb)],
        stdin=terminal,
        stdout=subprocess.PIPE if terminal is None else terminal,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=terminal is None,
        env=owner_environment(),
    )


def wait_for_end(owner: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait until an owner has ended; return its exit code and its output."""
    try:
        output, _ = owner.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        owner.kill()
        raise AssertionError(f"no end of the owner in {PATIENCE_S:.0f} s") from None
    return owner.returncode, output


def run_owner(tree: Tree, verb: str) -> tuple[int, str]:
    """Run an owner to its end; return its exit code and its output."""
    return wait_for_end(start_owner(tree, verb))


def wait_for(owner: subprocess.Popen[str], pattern: str) -> None:
    assert owner.stdout is not None
    lines = []
    for line in owner.stdout:
        lines.append(line)
        if re.search(pattern, line):
            return
    raise AssertionError(f"the owner ended without printing {pattern!r}: {''.join(lines)}")


def read_state(tree: Tree) -> state.StackState | None:
    """Return the state of the tree's stack; None where there is none."""
    return next((saved for name in folders.names() if (saved := state.read(name)) is not None), None)


def guardian_pid(tree: Tree) -> int:
    """Return the pid of the living stack's guardian, 0 where there is none yet."""
    saved = read_state(tree)
    return saved.pid if saved is not None else 0


def kill(pid: int) -> None:
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def terminal() -> Iterator[tuple[int, Callable[[], None]]]:
    """Open a terminal; return the program's end of it, and a function that closes the window."""
    window_end, program_end = pty.openpty()
    with os.fdopen(window_end, "rb", buffering=0) as window:
        yield program_end, window.close
    with contextlib.suppress(OSError):
        os.close(program_end)
