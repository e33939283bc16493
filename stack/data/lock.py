"""One change of a stack's data at a time: a lock that its holder's end releases, however that comes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.errors import DataBusy
from stack.system.directories import state_home

POLL_S = 0.01
LIMIT_S = 300.0

Say = Callable[[str], None]


def lock_file(stack: str) -> Path:
    """Return the file that is locked while the data of a stack changes."""
    folder = state_home() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{stack}.data"


@contextmanager
def exclusive(stack: str, *, say: Say, limit_s: float = LIMIT_S) -> Iterator[None]:
    """Hold the lock; say once that another command is waited for.

    Raises:
        DataBusy: another command held it for longer than ``limit_s``.
    """
    descriptor = os.open(lock_file(stack), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _try_lock(descriptor):
            say(f"waiting for another command that changes the data of {stack}")
            deadline = time.monotonic() + limit_s
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise DataBusy(
                        f"Another command has been changing the data of {stack} for {limit_s:g} s.",
                        hint="Wait for it, or end it and run this again.",
                    )
                time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusive_or_none(stack: str) -> Iterator[bool]:
    """Hold the lock and give True, or give False at once where another command holds it."""
    descriptor = os.open(lock_file(stack), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
