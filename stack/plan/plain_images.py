"""Services that name an image without building one (``image: python:3.12`` with their project mounted).

The local engine runs such a service as if it were built from a Dockerfile of one line, ``FROM image``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from stack.model import Build, Service, Stack
from stack.plan import images, server_command

PROJECT_FILES: Final = ("requirements.txt", "pyproject.toml", "package.json")


def with_builds(stack: Stack) -> Stack:
    """Return the stack with a build for each image that this machine's own programs can take the place of."""
    return replace(stack, services={name: _with_build(each) for name, each in stack.services.items()})


def is_plain(service: Service) -> bool:
    """Return whether the build of a service is the one that ``with_builds`` gave it."""
    return service.build is not None and service.build.dockerfile_text == _dockerfile(service)


def _with_build(service: Service) -> Service:
    kind = images.server_kind(service.image or "")
    is_server = kind is not None and server_command.arguments(service, kind) is not None
    if service.build is not None or service.local.command is not None or is_server or not service.image:
        return service
    if not images.is_replaceable(service.image):
        return service
    build = Build(context=_project(service), dockerfile_text=_dockerfile(service))
    return replace(service, build=build)


def _dockerfile(service: Service) -> str:
    return f"FROM {service.image}\n"


def _project(service: Service) -> Path:
    """The folder of this machine that is its project: what is mounted where it starts, else the likeliest."""
    start = PurePosixPath(posixpath.normpath(service.working_dir or "/"))
    folders = dict(_mounted_folders(service))
    for outer in (start, *start.parents):
        if outer in folders and (folder := folders[outer] / start.relative_to(outer)).is_dir():
            return folder
    found = [each for each in folders.values() if any((each / name).is_file() for name in PROJECT_FILES)]
    return next(iter((*found, *folders.values())), Path("/"))


def _mounted_folders(service: Service) -> Iterator[tuple[PurePosixPath, Path]]:
    for mount in service.mounts:
        if mount.type == "bind" and (source := Path(mount.source or "/")).is_dir():
            yield PurePosixPath(mount.target), source
