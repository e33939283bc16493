"""A new folder of files that gets its name when it is whole.

Until then it has a temporary name beside its own, and its maker holds a lock on it (flock(2)). The lock ends
with the maker: where that was killed, the next one removes the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from stack.errors import DiskFull, NotWritable
from stack.system import disk_space

PREFIX = ".inv-backup-"
TEMPORARY = re.compile(re.escape(PREFIX) + "[0-9a-f]{8}")


@contextlib.contextmanager
def new_folder(path: Path, *, files: Collection[str]) -> Iterator[Path]:
    """Give a folder under a temporary name; it is synced and gets its name when the block succeeds.

    ``files`` are the names of all that is ever written into one.

    Raises:
        NotWritable: the path exists, or may not be written.
        DiskFull: there is no room.
    """
    path = path.absolute()
    try:
        _require_new(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent, files)
        with _temporary(path.parent) as partial:
            yield partial
            for file in partial.iterdir():
                _sync(file)
            _sync(partial)
            partial.rename(path)
            _sync(path.parent)
    except (NotADirectoryError, FileExistsError) as error:
        raise NotWritable(
            f"{path} cannot be a folder: {error.filename} is a file.", hint="Choose another."
        ) from error
    except OSError as error:
        if isinstance(full := disk_space.as_disk_full(error, path), DiskFull):
            raise full from error
        raise NotWritable(
            f"{path} may not be written ({error.strerror}).", hint="Choose another folder."
        ) from error


def _require_new(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.lstat()
        raise NotWritable(f"{path} exists already.", hint="Name a new folder.")


@contextlib.contextmanager
def _temporary(parent: Path) -> Iterator[Path]:
    """Give a new folder that is locked as long as the block lasts, and then gone unless it was renamed."""
    folder, descriptor = _make(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _make(parent: Path) -> tuple[Path, int]:
    """Return a new folder and the descriptor by which it is locked; another command may remove it before."""
    while True:
        folder = parent / f"{PREFIX}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            if _lock(descriptor) is not False and _is_at(folder, descriptor):
                return folder, descriptor
            os.close(descriptor)


def _remove_abandoned(parent: Path, files: Collection[str]) -> None:
    """Remove the temporary folders of makers that were killed, and nothing else."""
    for folder in parent.iterdir() if os.access(parent, os.R_OK) else ():
        if not TEMPORARY.fullmatch(folder.name):
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if _lock(descriptor) and _is_ours(descriptor, files) and _is_at(folder, descriptor):
                    shutil.rmtree(folder)
            finally:
                os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Return whether the folder is now locked by us; None where its file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_ours(descriptor: int, files: Collection[str]) -> bool:
    with os.scandir(descriptor) as entries:
        is_known = all(each.name in files and each.is_file(follow_symlinks=False) for each in entries)
    return is_known and os.fstat(descriptor).st_uid == os.geteuid()


def _is_at(folder: Path, descriptor: int) -> bool:
    return os.path.samestat(folder.lstat(), os.fstat(descriptor))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
