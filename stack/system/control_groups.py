"""Control groups (cgroups(7)): the memory, processes and processor time that a service may have.

Version 1 has a tree for each controller, version 2 one for all. A group of version 1 lies below our own, so
that our own limits hold for it; in version 2 only the root may have both groups and processes, so it lies
there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.system.processes import own_pid

CONTROLLERS: Final = ("memory", "pids", "cpu")
PERIOD_US: Final = 100_000
PREFIX: Final = "ecommerce-stack-"
ENTER: Final = (
    'while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"'
)
"""A process that writes 0 is put into the group itself, whatever pid it sees (cgroups(7))."""


@dataclass(frozen=True, kw_only=True)
class ControlGroup:
    """The group of one service: controller -> its folder, one and the same in version 2."""

    folders: Mapping[str, Path]

    def words(self) -> tuple[str, ...]:
        """Return the words before a command that is to run in the group."""
        folders = dict.fromkeys(map(str, self.folders.values()))
        return ("sh", "-c", ENTER, "sh", *folders, "--")

    def oom_kills(self) -> int:
        """Return how often the kernel has ended a process of the group for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError, KeyError):
                return _count("oom_kill", self.folders["memory"] / name)
        return 0

    def refused_processes(self) -> int:
        """Return how often the kernel has refused the group a process or thread beyond its limit."""
        with contextlib.suppress(OSError, KeyError):
            return _count("max", self.folders["pids"] / "pids.events")
        return 0

    def remove(self) -> bool:
        """Remove the group; return whether it is gone. It stays as long as one of its processes ends."""
        for folder in self.folders.values():
            with contextlib.suppress(OSError):
                folder.rmdir()
        return not any(folder.exists() for folder in self.folders.values())


def _count(word: str, file: Path) -> int:
    """Return the number that follows a word at the beginning of a line."""
    return sum(int(count) for count in re.findall(rf"^{word} (\d+)", file.read_text(), re.MULTILINE))


def available() -> frozenset[str]:
    """Return the controllers whose groups we may make: root may, where the file system is writable."""
    return frozenset(_parents())


def create(
    service: str, *, memory_bytes: int | None = None, processes: int | None = None, cpus: float | None = None
) -> ControlGroup | None:
    """Return the group of a service with its limits, None where it has none that this machine can hold.

    Raises:
        OSError: the kernel refuses.
    """
    limits = {"memory": memory_bytes, "pids": processes, "cpu": cpus}
    parents = {name: folder for name, folder in _parents().items() if limits[name] is not None}
    folders = {name: folder / f"{PREFIX}{own_pid()}-{service}" for name, folder in parents.items()}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    for name, text in _settings(memory_bytes, processes, cpus):
        file = next((each / name for each in folders.values() if (each / name).exists()), None)
        if file is not None:
            _write(file, text)
    return ControlGroup(folders=folders) if folders else None


def _write(file: Path, text: str) -> None:
    """Write a limit. Version 1 refuses more processor time than the group above has: that limit holds."""
    try:
        file.write_text(text)
    except OSError as error:
        if (error.errno, file.name) != (errno.EINVAL, "cpu.cfs_quota_us"):
            raise


def group_of(pid: int) -> ControlGroup | None:
    """Return the group that `create` made for a service, by one of its processes; None where it has none."""
    try:
        trees, paths = list(_trees()), _paths(pid)
    except OSError:
        return None
    folders: dict[str, Path] = {}
    for name, place in trees:
        path = Path(paths.get(name, "/").lstrip("/"))
        if path.name.startswith(PREFIX):
            below = place / path
            folders |= dict.fromkeys(
                [name] if name else CONTROLLERS, below if below.is_dir() else place / path.name
            )
    return ControlGroup(folders=folders) if folders else None


def remove_abandoned() -> None:
    """Remove the groups of guardians that do not run any more."""
    for parent in set(_parents().values()):
        for folder in parent.glob(f"{PREFIX}*"):
            pid = folder.name.removeprefix(PREFIX).partition("-")[0]
            if not Path(f"/proc/{pid}").exists():
                with contextlib.suppress(OSError):
                    folder.rmdir()


def _settings(
    memory_bytes: int | None, processes: int | None, cpus: float | None
) -> Iterator[tuple[str, str]]:
    """The files of both versions and what is written into them; as much swap as memory, as Docker allows."""
    if memory_bytes is not None:
        yield "memory.limit_in_bytes", str(memory_bytes)
        yield "memory.memsw.limit_in_bytes", str(2 * memory_bytes)
        yield "memory.max", str(memory_bytes)
        yield "memory.swap.max", str(memory_bytes)
    if processes is not None:
        yield "pids.max", str(processes)
    if cpus is not None:
        quota = max(1000, int(cpus * PERIOD_US))
        yield "cpu.cfs_period_us", str(PERIOD_US)
        yield "cpu.cfs_quota_us", str(quota)
        yield "cpu.max", f"{quota} {PERIOD_US}"


def _parents() -> dict[str, Path]:
    """The folder of each controller in which groups may be made."""
    try:
        trees, paths = list(_trees()), _paths("self")
    except OSError:
        return {}
    found: dict[str, Path] = {}
    for name, place in trees:
        if not name:
            found |= dict.fromkeys(_enabled(place), place)
        else:
            below = place / paths.get(name, "/").lstrip("/")
            found[name] = below if below.is_dir() else place
    return {name: folder for name, folder in found.items() if os.access(folder, os.W_OK)}


def _trees() -> Iterator[tuple[str, Path]]:
    """Each controller, and where its tree is; that of version 2 has no name, as in /proc/PID/cgroup."""
    for mount in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = mount.partition(" - ")
        kind, _, options = right.split(" ", 2)
        names = [""] if kind == "cgroup2" else []
        if kind == "cgroup":
            names = sorted(set(CONTROLLERS) & set(options.split(",")))
        for name in names:
            yield name, Path(left.split()[4])


def _paths(pid: int | str) -> dict[str, str]:
    """The path of a process in each tree."""
    lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    return {name: path for _, names, path in lines for name in names.split(",")}


def _enabled(root: Path) -> list[str]:
    """The controllers that groups below ``root`` have, those that could be switched on included."""
    names: list[str] = []
    for name in CONTROLLERS:
        with contextlib.suppress(OSError):
            if name in (root / "cgroup.controllers").read_text().split():
                if name not in (root / "cgroup.subtree_control").read_text().split():
                    (root / "cgroup.subtree_control").write_text(f"+{name}")
                names.append(name)
    return names
