"""State files and guardian processes for tests, as real commands leave them."""

from __future__ import annotations

import secrets
from pathlib import Path

from stack.control.guardians import GuardianProcess
from stack.records import state
from stack.records.state import StackState
from stack.system import processes, programs


def write_state(
    name: str,
    run: Path,
    *,
    pid: int,
    token: str = "",
    ephemeral: bool = False,
    engine: str = "local",
    created: float = 1.0,
) -> StackState:
    """Write the state file of a stack and return its content."""
    written = StackState(
        name=name,
        engine=engine,
        work_tree="/w",
        run=str(run),
        token=token or secrets.token_hex(8),
        ephemeral=ephemeral,
        created=created,
        pid=pid,
        pid_started=processes.started(pid) or 1.0,
        ports={"backend": {8000: 20001}, "postgres": {5432: 20002}},
    )
    state.write(written)
    return written


def dead_pid() -> int:
    """Return a pid that belongs to no process any more."""
    child = programs.spawn(["true"])
    child.wait()
    return child.pid


def ended_guardian(run: Path) -> GuardianProcess:
    """Return the handle of a guardian whose process has ended."""
    process = programs.spawn(["true"])
    process.wait()
    return GuardianProcess(name="shop", run=run, process=process, lease=None)
