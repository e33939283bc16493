"""Folders of runs: one a run; old ones are removed."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from stack.errors import StateUnreadable
from stack.records import state
from stack.records.state import StackState

RUNS_KEPT = 20


def new_run(work_tree: Path, name: str, *, clock: Callable[[], float] = time.time) -> Path:
    """Create the folder of a new run; remove the oldest ones, but for those of running stacks."""
    runs = work_tree / ".stack" / "runs"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(clock()))
    run = runs / f"{stamp}-{name}"
    while run.exists():
        run = runs / f"{stamp}-{name}-{secrets.token_hex(2)}"
    run.mkdir(parents=True, mode=0o700)
    in_use = {stack.run for stack in _readable()} | {str(run)}
    old = sorted(path for path in runs.iterdir() if path.is_dir() and str(path) not in in_use)
    for path in old[: -(RUNS_KEPT - 1)]:
        shutil.rmtree(path, ignore_errors=True)
    return run


def _readable() -> list[StackState]:
    """Return the state of every stack; a damaged file is left to the sweep."""
    stacks = []
    for name in state.names():
        with contextlib.suppress(StateUnreadable):
            if (stack := state.read(name)) is not None:
                stacks.append(stack)
    return stacks
