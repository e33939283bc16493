"""Mount points that this machine does not have, for a mount namespace of our own.

A folder that lacks one is covered by an empty folder in memory in which all that the folder holds is mounted
again; there the mount point can be made. On the disk nothing changes. A folder in the place of the root
becomes the root as switch_root(8) makes it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from stack.system.network_namespace import call

MS_NOSUID, MS_NODEV, MS_MOVE = 2, 4, 8192
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = 1, 4
OPEN_TREE, MOVE_MOUNT = 428, 429
"""The same numbers on every architecture; C libraries of before 2022 have no functions for them."""

ROOT: Final = Path("/")
STAGE: Final = Path("/tmp")
"""Where the new root is filled; every machine has this folder."""


def make(points: Mapping[Path, bool]) -> set[Path]:
    """Make mount points in the namespace of this thread, and return those that are there.

    ``points`` maps each to whether it is a folder. One is left out where the folder that would have to hold
    it belongs to a person: what is made there later has to be seen.

    Raises:
        OSError: the kernel refuses.
    """
    missing: dict[Path, list[Path]] = {}
    for point in points:
        if not _exists(point):
            missing.setdefault(_existing(point), []).append(point)
    for folder in sorted(missing, key=lambda folder: len(folder.parts)):
        if _is_of_system(folder):
            _renew(folder)
            for point in missing[folder]:
                _create(point, is_folder=points[point])
    return {point for point in points if _exists(point)}


def clone(path: Path) -> int:
    """Return the descriptor of a copy of the mounts at and below ``path``, which is not yet attached."""
    flags = ctypes.c_uint(OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC)
    return call("syscall", OPEN_TREE, AT_FDCWD, os.fsencode(path), flags)


def attach(mount: int, path: Path) -> None:
    """Attach a mount at ``path``, which is made where it does not exist."""
    if not path.exists():
        _create(path, is_folder=is_folder(mount))
    flags = ctypes.c_uint(MOVE_MOUNT_F_EMPTY_PATH)
    call("syscall", MOVE_MOUNT, mount, b"", AT_FDCWD, os.fsencode(path), flags)


def separate(folder: Path) -> None:
    """Mount ``folder`` at its own path, so that it can have attributes of its own."""
    mount = clone(folder)
    try:
        attach(mount, folder)
    finally:
        os.close(mount)


def is_folder(mount: int) -> bool:
    """Return whether a mount that is not yet attached is one of a folder."""
    return Path(f"/proc/thread-self/fd/{mount}").is_dir()


def cover(folder: Path) -> None:
    """Mount an empty folder in memory over ``folder``."""
    flags = ctypes.c_ulong(MS_NOSUID | MS_NODEV)
    call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", flags, b"mode=755")


def _create(point: Path, *, is_folder: bool) -> None:
    point.parent.mkdir(parents=True, exist_ok=True)
    point.mkdir(exist_ok=True) if is_folder else point.touch()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


def _existing(path: Path) -> Path:
    return next(parent for parent in path.parents if _exists(parent))


def _is_of_system(folder: Path) -> bool:
    """Whether a folder is of the system's: neither ours nor one where others may put files, as in /tmp."""
    is_ours = folder == Path.home() or (os.geteuid() != 0 and os.access(folder, os.W_OK))
    is_shared = folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not is_ours and not is_shared and os.access(folder, os.R_OK)


def _renew(folder: Path) -> None:
    """Cover a folder by one in memory that holds the same, with room for more."""
    links = {path.name: path.readlink() for path in folder.iterdir() if path.is_symlink()}
    place = STAGE if folder == ROOT else folder
    with _clones(folder) as clones:
        cover(place)
        for name, target in links.items():
            (place / name).symlink_to(target)
        for name, mount in clones.items():
            attach(mount, place / name)
    if folder == ROOT:
        _become_root(place)


@contextlib.contextmanager
def _clones(folder: Path) -> Iterator[dict[str, int]]:
    """Give the mounts of what a folder holds, links left out, by name."""
    found: dict[str, int] = {}
    try:
        for path in folder.iterdir():
            if not path.is_symlink():
                found[path.name] = clone(path)
        yield found
    finally:
        for mount in found.values():
            os.close(mount)


def _become_root(folder: Path) -> None:
    os.chdir(folder)
    call("mount", b".", b"/", None, ctypes.c_ulong(MS_MOVE), None)
    os.chroot(".")
    os.chdir("/")
