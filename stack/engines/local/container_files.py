"""The files of a service as its container has them: at the same paths, and as writable as there."""

from __future__ import annotations

from collections.abc import Iterator
from os.path import lexists
from pathlib import Path
from typing import Final

from stack.plan.container_paths import container_paths, path_here, points_below
from stack.plan.plan import ServicePlan
from stack.system.directories import cache_home
from stack.system.mounts import Tree

SYSTEM: Final = tuple(
    Path(f"/{name}")
    for name in (
        *("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys"),
        *("usr", "var/lib/docker", "var/log", "var/spool"),
    )
)
"""A bind mount of a part of the system, as of the socket of a container engine, keeps its owner."""

OF_ENGINE: Final = frozenset(map(Path, ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")))
"""Files that an engine makes for each container; what a Dockerfile writes there has no effect."""

TEMPORARY: Final = (Path("/tmp"), Path("/var/tmp"))

RUN: Final = frozenset(map(Path, ("/run", "/var/run")))
"""A container's own is empty, and so is a tmpfs or a volume there."""


def is_of_system(path: Path) -> bool:
    """Return whether a file or folder is a part of the system, or holds all of it."""
    real = path.resolve()
    return real == Path("/") or any(map(real.is_relative_to, SYSTEM))


def trees(plan: ServicePlan, scratch: Path) -> list[Tree]:
    """Return what a service is to find; ``scratch`` is its own folder."""
    exceptions = _writable(plan, scratch) if plan.service.read_only else []
    return [
        *exceptions,
        *_at_paths_of_container(plan),
        *_read_only_mounts(plan),
        *_below_others(plan),
    ]


def temporary(plan: ServicePlan) -> tuple[Path, ...]:
    """Return the folders of this machine that a service writes to instead of a tmpfs or a volume there."""
    targets = {Path(mount.target) for mount in plan.service.mounts if mount.type != "bind"}
    return tuple(folder for folder in TEMPORARY if folder in targets)


def _at_paths_of_container(plan: ServicePlan) -> list[Tree]:
    """What is at a path that this machine does not have; servers are told the paths here."""
    if plan.runs_server:
        return []
    writable = {Path(mount.target) for mount in plan.service.mounts if not mount.read_only}
    return [_tree(path, at, read_only=_is_closed(plan, at, writable)) for at, path in _shown(plan)]


def _shown(plan: ServicePlan) -> Iterator[tuple[Path, Path]]:
    """Path in the container -> path here of what this machine does not have there, or has as another file."""
    for at, path in container_paths(plan).items():
        is_written = str(path) in plan.image.texts and at.is_file() and at not in OF_ENGINE
        if at in RUN and path.is_dir():
            yield at.resolve(), path
        elif path.exists() and (is_written or not lexists(at)):
            yield at, path


def _below_others(plan: ServicePlan) -> Iterator[Tree]:
    """What is mounted below another path of the container: there, and in the folder of this machine."""
    if plan.runs_server:
        return
    writable = {Path(mount.target) for mount in plan.service.mounts if not mount.read_only}
    shown = {at for at, _ in _shown(plan)}
    for at, point in points_below(plan).items():
        if point.exists():
            folder, read_only = path_here(plan, at), _is_closed(plan, at, writable)
            places = [point, at] if shown & set(at.parents) else [point]
            yield from (_tree(folder, place, read_only=read_only) for place in places)


def _is_closed(plan: ServicePlan, at: Path, writable: set[Path]) -> bool:
    is_mounted = any(at == Path(mount.target) for mount in plan.service.mounts)
    return at not in writable if is_mounted else plan.service.read_only


def _read_only_mounts(plan: ServicePlan) -> list[Tree]:
    """Mounts that are read-only, at their paths here: a program may have been told these instead."""
    writable = list(_folders(plan, read_only=False))
    return [
        _tree(folder, read_only=True)
        for folder in _folders(plan, read_only=True)
        if not any(map(folder.is_relative_to, writable))
    ]


def _writable(plan: ServicePlan, scratch: Path) -> list[Tree]:
    """What may be written to although all else may not: mounts, and where Python keeps compiled code."""
    own = (cache_home() / "pycache", *((scratch,) if plan.runs_server else ()))
    return [
        *(_tree(path) for path in own if path.exists()),
        *(_tree(path) for path in _folders(plan, read_only=False)),
    ]


def _folders(plan: ServicePlan, *, read_only: bool) -> Iterator[Path]:
    """The folders and files of this machine that are mounted so."""
    targets = [mount.target for mount in plan.service.mounts if mount.read_only is read_only]
    paths = (Path(plan.folders[target]) for target in targets if target in plan.folders)
    yield from (path for path in paths if path.exists())


def _tree(path: Path, at: Path | None = None, *, read_only: bool = False) -> Tree:
    return Tree(path=path, at=at, read_only=read_only, keeps_owner=is_of_system(path))
