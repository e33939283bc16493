"""The paths that a service finds in its container: what is mounted, granted and copied there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from stack.plan.service_plan import ServicePlan

INSTALLED: Final = frozenset({"node_modules", ".venv", "venv"})
"""Volumes of these names keep what is installed in an image; the local engine installs by itself."""


def container_paths(plan: ServicePlan) -> dict[Path, Path]:
    """Return path in the container -> path on this machine; what lies below another one is left out."""
    found = _files(plan)
    outermost = {path: file for path, file in found.items() if not set(path.parents) & set(found)}
    return {Path(path): file for path, file in outermost.items() if path != PurePosixPath("/")}


def points_below(plan: ServicePlan) -> dict[Path, Path]:
    """Return path in the container of what is mounted or written below another -> its place here."""
    mounted = (path for path in map(PurePosixPath, plan.folders) if path.name not in INSTALLED)
    return _points(plan, mounted) | texts_below(plan)


def texts_below(plan: ServicePlan) -> dict[Path, Path]:
    """Return as ``points_below`` what a Dockerfile writes into a folder that it copies and no mount hides."""
    mounts = set(map(PurePosixPath, plan.folders))
    written = (
        PurePosixPath(path) for path, file in plan.image.files.items() if str(file) in plan.image.texts
    )
    return _points(plan, (path for path in written if not {path, *path.parents} & mounts))


def path_here(plan: ServicePlan, at: Path) -> Path:
    """Return what is at a path of the container, on this machine."""
    return _files(plan)[PurePosixPath(at)]


def _points(plan: ServicePlan, paths: Iterable[PurePosixPath]) -> dict[Path, Path]:
    found, points = _files(plan), {}
    for path in paths:
        outer = next((parent for parent in path.parents if parent in found), None)
        if outer is not None:
            points[Path(path)] = found[outer] / path.relative_to(outer)
    return points


def _files(plan: ServicePlan) -> dict[PurePosixPath, Path]:
    copied = {path: str(file) for path, file in plan.image.files.items()}
    return {PurePosixPath(path): Path(file) for path, file in (copied | dict(plan.folders)).items()}
