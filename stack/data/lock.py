"""One change of a stack's data at a time: a lock that is released when its holder ends, even by a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from stack.data.errors import DataBusy
from stack.system.directories import state_home
from stack.system.lock import FileLock

LIMIT_S = 300.0

COMMAND, SPARE = "command", "spare"
"""What holds the lock: a command that changes the data, or the process that prepares the next spare."""

Say = Callable[[str], None]


def lock_file(stack: str) -> Path:
    """Return the file that is locked while the data of a stack changes."""
    return state_home() / "locks" / f"{stack}.data"


@contextmanager
def exclusive(stack: str, *, say: Say, purpose: str = COMMAND, limit_s: float = LIMIT_S) -> Iterator[None]:
    """Hold the lock; say once what is waited for.

    Raises:
        DataBusy: another command held it for longer than ``limit_s``.
    """
    with closing(FileLock(lock_file(stack))) as lock:
        if not lock.acquire():
            say(_waiting(lock, stack))
            if not lock.acquire(limit_s):
                raise _busy(lock, stack, limit_s)
        lock.note(purpose)
        yield


def _waiting(lock: FileLock, stack: str) -> str:
    if lock.read_note() == SPARE:
        return f"waiting for the spare database of {stack} that is being prepared"
    return f"waiting for another command that changes the data of {stack}"


def _busy(lock: FileLock, stack: str, limit_s: float) -> DataBusy:
    if lock.read_note() == SPARE:
        text = f"The spare database of {stack} is not ready after {limit_s:g} s."
    else:
        text = f"Another command has been changing the data of {stack} for {limit_s:g} s."
    return DataBusy(text, hint="Wait for it, or end it and run this again.")


@contextmanager
def exclusive_or_none(stack: str) -> Iterator[bool]:
    """Hold the lock and give True, or give False at once where another command holds it."""
    with closing(FileLock(lock_file(stack))) as lock:
        free = lock.acquire()
        if free:
            lock.note(COMMAND)
        yield free
