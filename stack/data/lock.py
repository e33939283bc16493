"""One change of a stack's data at a time: a lock that is released when its holder ends, even by a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from stack.data.errors import DataBusy
from stack.system.directories import state_home
from stack.system.lock import FileLock

LIMIT_S = 300.0

Say = Callable[[str], None]


def lock_file(stack: str) -> Path:
    """Return the file that is locked while the data of a stack changes."""
    return state_home() / "locks" / f"{stack}.data"


@contextmanager
def exclusive(stack: str, *, say: Say, limit_s: float = LIMIT_S) -> Iterator[None]:
    """Hold the lock; say once that another command is waited for.

    Raises:
        DataBusy: another command held it for longer than ``limit_s``.
    """
    with closing(FileLock(lock_file(stack))) as lock:
        if not lock.acquire():
            say(f"waiting for another command that changes the data of {stack}")
            if not lock.acquire(limit_s):
                raise DataBusy(
                    f"Another command has been changing the data of {stack} for {limit_s:g} s.",
                    hint="Wait for it, or end it and run this again.",
                )
        yield


@contextmanager
def exclusive_or_none(stack: str) -> Iterator[bool]:
    """Hold the lock and give True, or give False at once where another command holds it."""
    with closing(FileLock(lock_file(stack))) as lock:
        yield lock.acquire()
