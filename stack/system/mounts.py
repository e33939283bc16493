"""A view of this machine's files for single processes: a mount namespace with mounts of its own.

A mount can show one account's files as another's (``MOUNT_ATTR_IDMAP`` of mount_setattr(2), Linux >= 5.12):
nothing on the disk is changed, and what is written there belongs to the account that had the folder before.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.system import mount_points, programs
from stack.system.network_namespace import CLONE_NEWNS, call

CLONE_FS: Final = 0x200
MS_REC, MS_PRIVATE = 0x4000, 0x40000
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_IDMAP = 1, 0x100000
MOUNT_SETATTR: Final = 442
"""The same number on every architecture; C libraries of before 2022 have no function for it."""

ALWAYS_WRITABLE: Final = (b"/dev/shm", b"/proc")

HOLDER: Final = "read -r pid rest < /proc/self/stat; echo $pid; exec cat"
"""It says which process it is to /proc, whose pids are not ours in a PID namespace."""

HIGHEST_ID: Final = 2**32 - 2
Ids = tuple[int, int]
"""The numbers of a user and a group."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A folder or file that is shown ``at`` another path, or at its own.

    ``keeps_owner``: its owner seems to be nobody else.
    """

    path: Path
    at: Path | None = None
    read_only: bool = False
    keeps_owner: bool = False

    @property
    def point(self) -> Path:
        """The path at which it is shown."""
        return self.at or self.path


class MountAttributes(ctypes.Structure):
    """``struct mount_attr`` of mount_setattr(2)."""

    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


@dataclass(frozen=True, kw_only=True)
class Mounts:
    """An open mount namespace; ``unmapped`` are the trees whose file system cannot show another owner."""

    descriptor: int
    unmapped: tuple[Path, ...] = ()

    def close(self) -> None:
        """Release the namespace; it lives on with the processes in it."""
        os.close(self.descriptor)


def show(
    trees: Iterable[Tree],
    covered: Iterable[Path] = (),
    *,
    viewer: Ids | None = None,
    base: int | None = None,
    read_only: bool = False,
    temporary: Iterable[Path] = (),
) -> Mounts:
    """Return a copy of the namespace ``base``, or of ours, with an empty folder over each of ``covered``.

    The trees are shown all the same, the outer ones first; the owner of each seems to be ``viewer``. With
    ``read_only`` only those of them can be written to that are not read-only themselves, and the folders
    ``temporary``, which stay this machine's own.

    Raises:
        OSError: the kernel refuses.
    """
    ordered = tuple(sorted(trees, key=lambda tree: len(tree.point.parts)))
    writable = tuple(temporary) if read_only else ()
    work = functools.partial(_show, ordered, tuple(covered), viewer, base, writable, read_only=read_only)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def _show(
    trees: tuple[Tree, ...],
    covered: tuple[Path, ...],
    viewer: Ids | None,
    base: int | None,
    writable: tuple[Path, ...],
    *,
    read_only: bool,
) -> Mounts:
    if base is not None:
        call("unshare", CLONE_FS)  # else a thread may not enter it (setns(2))
        call("setns", base, CLONE_NEWNS)
    call("unshare", CLONE_NEWNS)
    call("mount", None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
    for folder in writable:
        mount_points.separate(folder)
    clones = [(tree, mount_points.clone(tree.path)) for tree in trees]
    try:
        unmapped = [tree.path for tree, clone in clones if not _change(tree, clone, viewer)]
        for folder in covered:
            mount_points.cover(folder)
        points = mount_points.make(
            {tree.at: mount_points.is_folder(clone) for tree, clone in clones if tree.at}
        )
        attached = [(tree, clone) for tree, clone in clones if tree.at is None or tree.at in points]
        for tree, clone in attached:
            mount_points.attach(clone, tree.point)
        if read_only:
            _close_root((*writable, *(tree.point for tree, _ in attached if not tree.read_only)))
    finally:
        for _, clone in clones:
            os.close(clone)
    return Mounts(descriptor=os.open("/proc/thread-self/ns/mnt", os.O_RDONLY), unmapped=tuple(unmapped))


def _close_root(writable: Iterable[Path]) -> None:
    """Let nothing be written to but ``writable``, and what is so in a container with a read-only root."""
    _set_attributes(AT_FDCWD, b"/", recursive=True, attr_set=MOUNT_ATTR_RDONLY)
    for path in writable:
        _set_attributes(AT_FDCWD, os.fsencode(path), attr_clr=MOUNT_ATTR_RDONLY)
    for folder in ALWAYS_WRITABLE:
        with contextlib.suppress(OSError):  # it is no mount here
            _set_attributes(AT_FDCWD, folder, attr_clr=MOUNT_ATTR_RDONLY)


def _change(tree: Tree, clone: int, viewer: Ids | None) -> bool:
    """Give a mount that is not yet attached its attributes; return whether its owner could be mapped."""
    if tree.read_only:
        _set_attributes(clone, attr_set=MOUNT_ATTR_RDONLY)
    if viewer is None or tree.keeps_owner:
        return True
    owner = tree.path.stat()
    if (ids := (owner.st_uid, owner.st_gid)) == viewer:
        return True
    try:
        _set_attributes(clone, attr_set=MOUNT_ATTR_IDMAP, userns_fd=_user_namespace(ids, viewer))
    except OSError:
        return False
    return True


def _set_attributes(mount: int, path: bytes = b"", *, recursive: bool = False, **values: int) -> None:
    attributes = MountAttributes(**values)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    flags = ctypes.c_uint((0 if path else AT_EMPTY_PATH) | (AT_RECURSIVE if recursive else 0))
    call("syscall", MOUNT_SETATTR, mount, path, flags, ctypes.byref(attributes), size)


@functools.cache
def _user_namespace(owner: Ids, seems: Ids) -> int:
    """Return the descriptor of a user namespace that maps ``owner`` to ``seems``; it has no process."""
    words = programs.echo(("unshare", "--user", "sh", "-c", HOLDER))
    with programs.start_group(words, input=programs.PIPE, output=programs.PIPE) as holder:
        assert holder.stdout is not None
        try:
            folder = Path("/proc") / holder.stdout.readline().decode().strip()
            for name, one, other in zip(("uid_map", "gid_map"), owner, seems, strict=True):
                (folder / name).write_text(id_map(one, other))
            return os.open(folder / "ns" / "user", os.O_RDONLY)
        finally:
            programs.end_group(holder)


def id_map(owner: int, seems: int) -> str:
    """Return a map (user_namespaces(7)) by which two accounts change places; all others stay who they are."""
    if owner == seems:
        return f"0 0 {HIGHEST_ID + 1}\n"
    low, high = sorted((owner, seems))
    rows = (
        (owner, seems, 1),
        (seems, owner, 1),
        (0, 0, low),
        (low + 1, low + 1, high - low - 1),
        (high + 1, high + 1, HIGHEST_ID - high),
    )
    return "".join(f"{inside} {outside} {count}\n" for inside, outside, count in rows if count > 0)
