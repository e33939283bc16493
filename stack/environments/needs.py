"""What a service needs installed: read from its Dockerfile's ``RUN``, else from the files of its project."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from stack.environments import kinds, node_modules, pip_command
from stack.environments.build_commands import InstallCommand, install_commands
from stack.environments.installation import Installation
from stack.environments.interpreters import PythonWish
from stack.model import Service
from stack.plan import copied_files
from stack.plan.image_config import ImageConfig

_PYTHON_IMAGE = re.compile(r"python[:-]?v?(\d+\.\d+)|python:")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """``python``: what is installed into a Python environment; ``node``: the folder of a Node project."""

    python: Installation | None = None
    node: Path | None = None


def of_service(service: Service, image: ImageConfig) -> Needs:
    """Return what a service needs; nothing where it has no project on this machine."""
    project = service.build.context if service.build is not None else service.local.working_dir
    if project is None or (service.build is not None and service.build.url):
        return Needs()
    if not project.is_dir():
        return Needs()
    commands = _commands(image)
    python = _from_commands(commands, project, image) or kinds.find_python(_folder(project, image))
    if python is None and _PYTHON_IMAGE.search(image.base):
        python = Installation(folder=project)
    if python is not None:
        python = replace(python, python=_wish(python.python, image.base, service.local.python))
    return Needs(python=python, node=_node(commands, project, image, is_local=service.build is None))


def _commands(image: ImageConfig) -> tuple[InstallCommand, ...]:
    own = install_commands(image.build_commands)
    return own or install_commands(image.copied_build_commands)


def _from_commands(
    commands: Iterable[InstallCommand], project: Path, image: ImageConfig
) -> Installation | None:
    """The installation of all commands together; later ones may add to the earlier."""
    found: list[Installation] = []
    for command in commands:
        folder = _local(command.folder, project, image) or project
        if command.tool == "pip":

            def locate(path: str, base: str = command.folder) -> Path | None:
                return _local(posixpath.normpath(posixpath.join(base, path)), project, image, path)

            each = pip_command.installation_of(command.words, folder, locate)
        elif command.tool in kinds.TOOLS:
            each = kinds.TOOLS[command.tool](folder, command.words)
        else:
            continue
        if each is not None and each.commands not in [other.commands for other in found]:
            found = [other for other in found if other.lock != each.lock or each.lock is None]
            found.append(each)
    return _merge(found) if found else None


def _merge(found: list[Installation]) -> Installation:
    first = found[0]
    wishes = [each.python for each in found]
    return replace(
        first,
        commands=tuple(command for each in found for command in each.commands),
        inputs=tuple(dict.fromkeys(file for each in found for file in each.inputs)),
        files={name: text for each in found for name, text in each.files.items()},
        is_bound=any(each.is_bound for each in found),
        python=next((wish for wish in wishes if wish.required), wishes[0]),
    )


def _local(path: str, project: Path, image: ImageConfig, name: str = "") -> Path | None:
    """Where a path of the image is on this machine: its origin, else the file of that name in the project."""
    for files in (image.files, image.stage_files):
        if (copied := copied_files.host_path(path, files)) is not None:
            return copied
    beside = project / name
    return beside if name and not name.startswith("/") and beside.exists() else None


def _folder(project: Path, image: ImageConfig) -> Path:
    """The folder whose files say what a service needs: the one that its working directory was copied from."""
    copied = _local(image.working_dir, project, image)
    has_files = copied is not None and any((copied / name).is_file() for name in kinds.PYTHON_FILES)
    return copied if copied is not None and has_files else project


def _wish(wish: PythonWish, base: str, exact: str | None) -> PythonWish:
    """The project's own wish; ``x-local`` makes it exact, and where there is none the base image says it."""
    if exact:
        required = ",".join(each for each in (wish.required, f"=={exact}.*") if each)
        return PythonWish(required=required)
    if wish.required or wish.preferred:
        return wish
    match = _PYTHON_IMAGE.search(base)
    return PythonWish(preferred=match[1] if match and match[1] else "")


def _node(
    commands: Iterable[InstallCommand], project: Path, image: ImageConfig, *, is_local: bool
) -> Path | None:
    """The Node project that a Dockerfile installs, or that lies there for Node's image or for ``x-local``."""
    for command in commands:
        if command.tool == "npm":
            folder = _local(command.folder, project, image) or project
            if node_modules.is_project(folder):
                return folder
    is_node = is_local or is_node_image(image.base)
    return project if is_node and node_modules.is_project(project) else None


def is_node_image(base: str) -> bool:
    """Return whether a base image is one of Node's."""
    return re.search(r"(^|/)node(:|$|-)", base) is not None
