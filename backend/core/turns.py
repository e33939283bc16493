"""Turns between the workers of one server for what takes a whole processor: one processor stays free.

A turn is a lock of one byte of a file without a name, which the workers inherit. Such a lock belongs to a
process and ends with it (fcntl(2), "Advisory record locking").
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_file: int | None = None


def share_turns(folder: str | None = None) -> None:
    """Let the processes that this one forks take turns with each other; without it nobody waits."""
    global _file
    _file, path = tempfile.mkstemp(dir=folder)
    Path(path).unlink()


@contextmanager
def take_turn() -> Iterator[None]:
    """Hold a turn; at most as many are held at once as there are processors, less one."""
    if _file is None:
        yield
        return
    import fcntl

    place = os.getpid() % places(os.cpu_count() or 1)
    fcntl.lockf(_file, fcntl.LOCK_EX, 1, place)
    try:
        yield
    finally:
        fcntl.lockf(_file, fcntl.LOCK_UN, 1, place)


def places(processors: int) -> int:
    """Return how many turns there are at once."""
    return max(1, processors - 1)
