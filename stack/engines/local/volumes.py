"""The folders behind the volumes of a service, and the places in other folders where they are mounted."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from stack.engines.local import container_files
from stack.plan.container_paths import INSTALLED, path_here, points_below
from stack.plan.copied_files import host_path
from stack.plan.plan import ServicePlan
from stack.system import private_folder


def make_folders(plan: ServicePlan) -> None:
    """Make the folders that a service mounts and, as an engine does, the points at which they are mounted.

    A point that cannot be made is that of a mount that the service does without. A server makes its own
    folder of data.
    """
    for mount in plan.service.mounts:
        folder = Path(plan.folders[mount.target])
        if mount.type != "bind":
            folder.mkdir(parents=True, exist_ok=True)
        elif not plan.runs_server:
            with contextlib.suppress(OSError):
                _make_source(folder)
        if mount.type == "volume" and not plan.runs_server:
            _fill(folder, _in_image(Path(mount.target), plan.image.files))
    for at, point in points_below(plan).items():
        folder = path_here(plan, at)
        with contextlib.suppress(OSError):
            _make_point(point, is_folder=folder.is_dir())


def _make_source(folder: Path) -> None:
    """Make a bound folder where it is absent; it belongs to whom the folder above belongs."""
    if os.path.lexists(folder) or container_files.is_of_system(folder):
        return
    above = next(parent for parent in folder.parents if parent.exists())
    descriptor = os.open(above.resolve(), private_folder.FLAGS)
    owner = os.fstat(descriptor)
    try:
        for name in folder.relative_to(above).parts:
            os.mkdir(name, dir_fd=descriptor)
            made = os.open(name, private_folder.FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = made
            if os.geteuid() == 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)


def _in_image(at: Path, files: Mapping[str, Path]) -> Path | None:
    """Return what an image has at a path that was copied into it, or below one."""
    is_copied = at.name not in INSTALLED and any(map(at.is_relative_to, files))
    return host_path(str(at), files) if is_copied else None


def _fill(volume: Path, source: Path | None) -> None:
    """Copy what an image has at the place of a new volume (https://docs.docker.com/engine/storage/volumes/)."""
    if source is not None and source.is_dir() and not any(volume.iterdir()):
        ignored = shutil.ignore_patterns(".git", *INSTALLED)
        shutil.copytree(source, volume, symlinks=True, dirs_exist_ok=True, ignore=ignored)


def _make_point(point: Path, *, is_folder: bool) -> None:
    if not point.exists():
        point.parent.mkdir(parents=True, exist_ok=True)
        point.mkdir() if is_folder else point.touch()
