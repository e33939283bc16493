"""The paths that a service finds in its container: what is mounted, granted and copied there."""

from __future__ import annotations

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
    """Return path in the container of each mount below another -> its place in that one's folder here."""
    found, points = _files(plan), {}
    for path in map(PurePosixPath, plan.folders):
        outer = next((parent for parent in path.parents if parent in found), None)
        if outer is not None and path.name not in INSTALLED:
            points[Path(path)] = found[outer] / path.relative_to(outer)
    return points


def _files(plan: ServicePlan) -> dict[PurePosixPath, Path]:
    copied = {path: str(file) for path, file in plan.image.files.items()}
    return {PurePosixPath(path): Path(file) for path, file in (copied | dict(plan.folders)).items()}
