"""Errors that mean a full disk, and other errors of the operating system."""

from __future__ import annotations

import errno
from pathlib import Path

from stack.errors import DiskFull, StackError

FULL_DISK = (
    "no space left on device",
    "os error 28",
    "disk quota exceeded",
    "could not write init file",  # Postgres, when a session begins
)


def as_disk_full(error: OSError, folder: Path) -> Exception:
    """Return what to raise for ``error``: DiskFull where there is no room, else the error itself."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(folder)
    return error


def as_stack_error(error: BaseException, *, run: str) -> StackError:
    """Return the error to report for ``error``, which ended something in the run whose folder is ``run``."""
    while isinstance(error, BaseExceptionGroup):  # of an asyncio.TaskGroup: its first is the cause
        error = error.exceptions[0]
    if isinstance(error, StackError):
        return error
    if isinstance(error, TimeoutError):
        return StackError("A step of the engine did not end in time.", hint=f"See guardian.log in {run}.")
    if not isinstance(error, OSError):
        text = f"The engine failed: {type(error).__name__}: {error}."
        return StackError(text, hint=f"See guardian.log in {run}.")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        where = error.filename or "the stack"
        return DiskFull(f"No room is left where {where} is written.", hint="Free some, or run `inv prune`.")
    return StackError(f"The operating system reports an error: {error}.", hint="Run `inv doctor`.")


def disk_full(folder: Path) -> DiskFull:
    return DiskFull(f"There is no room left for {folder}.", hint="Free some space, or run `inv prune`.")


def reports_full_disk(output: str) -> bool:
    """Return whether a program failed for want of room; the container engines say it in lower case."""
    return any(words in output.lower() for words in FULL_DISK)
