"""A cached folder is made once, even if several processes want it at once or one is killed meanwhile."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from stack.system import disk_space, lock

MARKER = ".complete"
"""Written last: a folder without it was left by a maker that died."""

Make = Callable[[Path, int], None]
"""Fills a folder. The number is the lock's descriptor: a program that inherits it (``pass_fds``) holds
the lock as long as it runs, even where we are killed meanwhile."""

LIMIT_S = 1800.0
UNUSED_S = 14 * 24 * 3600.0


def is_complete(folder: Path) -> bool:
    """Return whether it can be used as it is, and note that it is used."""
    try:
        os.utime(folder / MARKER)
    except PermissionError:  # another user's, read only
        return True
    except OSError:
        return False
    return True


def unused_folders(
    root: Path, *, in_use_since: float = math.inf, clock: Callable[[], float] = time.time
) -> Iterator[Path]:
    """Return the folders somewhere below ``root`` that nobody has asked for during the last two weeks.

    One that was asked for after ``in_use_since`` (seconds since the epoch) may be in use all the same.
    """
    for marker in sorted(root.glob(f"*/*/{MARKER}")):
        with contextlib.suppress(FileNotFoundError):
            asked_for = marker.stat().st_mtime
            if clock() - asked_for > UNUSED_S and asked_for < in_use_since:
                yield marker.parent


def make_once(folder: Path, make: Make) -> Path:
    """Return ``folder``, filled by ``make`` unless that has been done before.

    Raises:
        DiskFull: there is no room for it.
        StackError: another command has been making it for half an hour.
    """
    if is_complete(folder):
        return folder
    try:
        file = folder.with_name(f".{folder.name}.lock")
        with lock.hold(file, timeout_s=LIMIT_S, purpose=f"making {folder.name}") as held:
            if not is_complete(folder):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(mode=0o755)
                make(folder, held.descriptor)
                (folder / MARKER).touch()
    except OSError as error:
        raise disk_space.as_disk_full(error, folder) from error
    return folder
