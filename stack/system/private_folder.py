"""Folders of this account below a parent that other accounts can write to, as /tmp and /dev/shm.

Another account may have made the folder first, or a link in its place. So it is looked at by file descriptor,
without following links; only root can replace a folder of ours there (the sticky bit, inode(7)).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from stack.errors import StateUnreadable

FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def make(path: Path) -> Path:
    """Return ``path``, a folder of this account that others cannot write to; create it where it is absent.

    Raises:
        StateUnreadable: something else is there.
    """
    while True:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile: it was empty
            require_own(path)
            return path


def make_below(path: Path) -> Path:
    """Return ``path``, a folder of this account in another one; create both where they are absent.

    Raises:
        StateUnreadable: something else is there.
    """
    while True:
        make(path.parent)
        with contextlib.suppress(FileNotFoundError):  # the one around it was removed meanwhile: it was empty
            return make(path)


def require_own(path: Path) -> None:
    """Raise where ``path`` is not a folder of this account that others cannot write to.

    Raises:
        FileNotFoundError: there is nothing.
        StateUnreadable: something else is there.
    """
    try:
        with _opened(path):
            return
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StateUnreadable(
            f"{path} is not a folder of this account alone.",
            hint="Remove it, or set TMPDIR to another folder.",
        ) from error


def is_own(path: Path) -> bool:
    """Return whether ``path`` is a folder of this account, no link, that others cannot write to."""
    with contextlib.suppress(OSError), _opened(path):
        return True
    return False


def remove_tree(path: Path) -> None:
    """Remove ``path`` with all that is in it, where its parent is a folder of this account."""
    with contextlib.suppress(OSError), _opened(path.parent) as parent:
        shutil.rmtree(path.name, ignore_errors=True, dir_fd=parent)


def remove_empty(path: Path) -> None:
    """Remove ``path`` where it is a folder of this account with nothing in it."""
    if is_own(path):
        with contextlib.suppress(OSError):  # something is in it
            path.rmdir()


def names(path: Path) -> list[str]:
    """Return the names in a folder of this account; none where it is absent or not this account's."""
    return sorted(entry.name for entry in path.iterdir()) if is_own(path) else []


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open a folder of this account.

    Raises:
        OSError: it is absent, a link, another account's, or others can write to it.
    """
    descriptor = os.open(path, FLAGS)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
            raise PermissionError(f"{path} is not a folder of this account alone")
        yield descriptor
    finally:
        os.close(descriptor)
