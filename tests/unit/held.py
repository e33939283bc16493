"""Stacks as others have left them: a state, a run, a pid that is nobody's."""

from __future__ import annotations

import secrets
from pathlib import Path

from stack.control.guardians import GuardianProcess
from stack.records import state
from stack.records.state import StackState
from stack.system import processes, programs


def kept(name: str, run: Path, *, pid: int, token: str = "", ephemeral: bool = False) -> StackState:
    made = StackState(
        name=name,
        engine="local",
        work_tree="/w",
        run=str(run),
        token=token or secrets.token_hex(8),
        ephemeral=ephemeral,
        created=1.0,
        pid=pid,
        pid_started=processes.started(pid) or 1.0,
        ports={"backend": {8000: 20001}, "postgres": {5432: 20002}},
    )
    state.write(made)
    return made


def dead_pid() -> int:
    child = programs.spawn(["true"])
    child.wait()
    return child.pid


def launched(run: Path) -> GuardianProcess:
    process = programs.spawn(["true"])
    process.wait()
    return GuardianProcess(name="shop", run=run, process=process, lease=None)
