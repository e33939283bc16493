"""Which files of this machine a Dockerfile's ``COPY`` puts where in the image.

Source of the rules: https://docs.docker.com/reference/dockerfile/#copy
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file or folder of this machine that ``COPY`` means.

    ``below`` is its path in the folder that ``COPY`` names, empty where it is that itself.
    """

    path: Path
    below: str = ""


Source = Callable[[str], Iterable[Found]]
"""A path as ``COPY`` names it -> what it means."""

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

    def find(name: str) -> Iterator[Found]:
        relative = posixpath.normpath(name.lstrip("/") or ".")
        if relative == "." or relative.startswith(".."):
            yield Found(path=context)
        elif any(mark in relative for mark in "*?["):
            yield from (Found(path=path) for path in sorted(context.glob(relative)))
        elif (context / relative).exists():
            yield Found(path=context / relative)

    return find


def stage_source(files: Mapping[str, Path], texts: Collection[str] = ()) -> Source:
    """Return the source of a ``COPY --from`` of a stage whose own files are ``files``.

    ``texts`` are those of them that its Dockerfile writes: they are not there yet.
    """

    def find(name: str) -> Iterator[Found]:
        path = posixpath.normpath(posixpath.join("/", name))
        below = _below(path, files)
        has_texts = any(str(local) in texts for local in below.values())
        local = files.get(path) or _below_copied(path, files)
        if local is None and not has_texts:
            local = host_path(path, files)
        if local is not None:
            yield Found(path=local)
        if has_texts:
            yield from (Found(path=each, below=relative) for relative, each in below.items())

    return find


def copied(source: Source, names: Iterable[str], destination: str, folders: Folders) -> dict[str, Path]:
    """Return path in the image -> path on this machine, for one ``COPY``."""
    found = [each for name in names for each in source(name)]
    target, is_folder = target_of(destination, folders, number=sum(not each.below for each in found))
    result: dict[str, Path] = {}
    for path, below in ((each.path, each.below) for each in found):
        if below:
            result[posixpath.join(target, below)] = path
        elif not path.is_dir():
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
    if any(path == target or path.startswith(f"{target}/") for target in files):
        return _below_copied(path, files)
    origins = {_origin(relative, local) for relative, local in _below(path, files).items()}
    return origins.pop() if len(origins) == 1 else None


def _below_copied(path: str, files: Mapping[str, Path]) -> Path | None:
    """Where the innermost file or folder that was copied there has a path; None where it has not."""
    copied = (target for target in files if path == target or path.startswith(f"{target}/"))
    target = max(copied, key=len, default=None)
    if target is None:
        return None
    local = files[target] / path[len(target) :].lstrip("/")
    return local if local.exists() else None


def _below(path: str, files: Mapping[str, Path]) -> dict[str, Path]:
    """Return what was copied to places below a folder, by its path there."""
    folder = f"{path.rstrip('/')}/"
    return {target.removeprefix(folder): files[target] for target in files if target.startswith(folder)}


def _origin(relative: str, local: Path) -> Path | None:
    """The folder in which ``local`` has the path ``relative``; None where it has another."""
    parts = Path(relative).parts
    return local.parents[len(parts) - 1] if local.parts[-len(parts) :] == parts else None
