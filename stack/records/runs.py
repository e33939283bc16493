"""The folders that record runs: one a run, the last ones kept."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from stack.records import state
from stack.records.state import StackState

RUNS_KEPT = 20


def new_run(work_tree: Path, name: str, *, clock: Callable[[], float] = time.time) -> Path:
    """Make the folder of a new run; only the last runs are kept."""
    runs = work_tree / ".stack" / "runs"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(clock()))
    run = runs / f"{stamp}-{name}"
    while run.exists():
        run = runs / f"{stamp}-{name}-{secrets.token_hex(2)}"
    run.mkdir(parents=True, mode=0o700)
    living = {kept.run for kept in _readable()}
    old = sorted(path for path in runs.iterdir() if path.is_dir() and str(path) not in living and path != run)
    for path in old[: -(RUNS_KEPT - 1)]:
        shutil.rmtree(path, ignore_errors=True)
    return run


def _readable() -> list[StackState]:
    found = []
    for name in state.names():
        with contextlib.suppress(Exception):
            kept = state.read(name)
            if kept is not None:
                found.append(kept)
    return found
