"""A lock that is a file (flock(2)): one holder on this machine, released when its process ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from stack.errors import StackError

POLL_S = 0.01
NOTE_BYTES = 1000


class FileLock:
    """The right to lock one file; two objects exclude each other, in one process, too."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Return whether it is ours after at most ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while not self._try():
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        return True

    def note(self, text: str) -> None:
        """Write down what its holder does, for those who wait."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, text.encode(), 0)

    def read_note(self) -> str:
        """Return what its holder wrote down."""
        return os.pread(self.descriptor, NOTE_BYTES, 0).decode(errors="replace")

    def close(self) -> None:
        """Release it, unless a program that inherited the descriptor still runs."""
        os.close(self.descriptor)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextlib.contextmanager
def hold(path: Path, *, timeout_s: float, purpose: str) -> Iterator[FileLock]:
    """Hold the lock for the block.

    Raises:
        StackError: another process has held it for ``timeout_s``.
    """
    with contextlib.closing(FileLock(path)) as lock:
        if not lock.acquire(timeout_s):
            raise StackError(
                f"Another command has held the lock for {purpose} for {timeout_s:g} s ({path}).",
                hint="Wait until it has ended, or end it: `inv stacks` lists what runs.",
            )
        yield lock
