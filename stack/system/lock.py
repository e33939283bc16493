"""A lock that is a file: one holder on this machine, let go when its process ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from stack.errors import StackError


@contextlib.contextmanager
def hold(path: Path, *, timeout_s: float, purpose: str) -> Iterator[None]:
    """Hold the lock for the block.

    Raises:
        StackError: another process has held it for ``timeout_s``.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout:
        raise StackError(
            f"Another command has held the lock for {purpose} for {timeout_s:g} s ({path}).",
            hint="Wait until it has ended, or end it: `inv stacks` lists what runs.",
        ) from None
    try:
        yield
    finally:
        lock.release()
