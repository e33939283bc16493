"""Which files of this machine a Dockerfile's ``COPY`` puts where in the image.

Source of the rules: https://docs.docker.com/reference/dockerfile/#copy
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

Source = Callable[[str], Iterable[Path]]
"""A path as ``COPY`` names it -> the files and folders of this machine that it means."""

SYSTEM_FOLDERS: Final = frozenset(
    (
        *("/", "/bin", "/etc", "/home", "/lib", "/opt", "/root", "/sbin", "/srv", "/tmp", "/usr", "/var"),
        *(
            "/usr/bin",
            "/usr/lib",
            "/usr/local",
            "/usr/local/bin",
            "/usr/local/lib",
            "/usr/sbin",
            "/usr/share",
        ),
    )
)
"""Folders that every image has. Only what is copied into them is of this machine, never the folder."""


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The folders that an image has so far: its working directory and those that files were copied to."""

    working_dir: str = "/"
    files: Mapping[str, Path] = field(default_factory=dict)

    def __contains__(self, path: str) -> bool:
        known = (self.working_dir, *self.files)
        return path in SYSTEM_FOLDERS or any(each == path or each.startswith(f"{path}/") for each in known)


def context_source(context: Path) -> Source:
    """Return the source of a ``COPY`` from the build context."""

    def find(name: str) -> Iterator[Path]:
        relative = posixpath.normpath(name.lstrip("/") or ".")
        if relative == "." or relative.startswith(".."):
            yield context
        elif any(mark in relative for mark in "*?["):
            yield from sorted(context.glob(relative))
        elif (context / relative).exists():
            yield context / relative

    return find


def stage_source(files: Mapping[str, Path]) -> Source:
    """Return the source of a ``COPY --from`` of a stage whose own files are ``files``."""

    def find(name: str) -> Iterator[Path]:
        path = posixpath.normpath(posixpath.join("/", name))
        if (local := files.get(path) or host_path(path, files)) is not None:
            yield local

    return find


def copied(source: Source, names: Iterable[str], destination: str, folders: Folders) -> dict[str, Path]:
    """Return path in the image -> path on this machine, for one ``COPY``."""
    paths = [path for name in names for path in source(name)]
    target, is_folder = target_of(destination, folders, number=len(paths))
    result: dict[str, Path] = {}
    for path in paths:
        if not path.is_dir():
            result[posixpath.join(target, path.name) if is_folder else target] = path
        elif target in SYSTEM_FOLDERS:
            result |= {posixpath.join(target, child.name): child for child in sorted(path.iterdir())}
        else:
            result[target] = path
    return result


def target_of(destination: str, folders: Folders, *, number: int) -> tuple[str, bool]:
    """Return where ``number`` sources are copied to, and whether that is a folder that receives files."""
    target = posixpath.normpath(posixpath.join(folders.working_dir, destination))
    return target, destination.endswith("/") or number > 1 or target in folders


def not_replaced(files: Mapping[str, Path], copied: Mapping[str, Path]) -> dict[str, Path]:
    """Return those of ``files`` that are still there after ``copied``: a folder replaces what it has, too."""
    folders = {f"{path.rstrip('/')}/": local for path, local in copied.items() if local.is_dir()}
    return {
        path: local
        for path, local in files.items()
        if not any(
            path.startswith(folder) and (source / path.removeprefix(folder)).exists()
            for folder, source in folders.items()
        )
    }


def host_path(path: str, files: Mapping[str, Path]) -> Path | None:
    """Return where a path of the image is on this machine; None where no file was copied there.

    A folder that only received single files stands for the folder that all of them come from.
    """
    for target in sorted(files, key=len, reverse=True):
        if path == target or path.startswith(f"{target}/"):
            local = files[target] / path[len(target) :].lstrip("/")
            return local if local.exists() else None
    folder = f"{path.rstrip('/')}/"
    below = {target.removeprefix(folder): files[target] for target in files if target.startswith(folder)}
    origins = {_origin(relative, local) for relative, local in below.items()}
    return origins.pop() if len(origins) == 1 else None


def _origin(relative: str, local: Path) -> Path | None:
    """The folder in which ``local`` has the path ``relative``; None where it has another."""
    parts = Path(relative).parts
    return local.parents[len(parts) - 1] if local.parts[-len(parts) :] == parts else None
