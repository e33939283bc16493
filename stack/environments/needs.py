"""What a service needs installed: read from its Dockerfile's ``RUN``, else from the files of its project."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from stack.environments import kinds, node_modules, pip_command
from stack.environments.build_commands import InstallCommand, install_commands
from stack.environments.installation import Installation
from stack.environments.interpreters import PythonWish
from stack.model import Service
from stack.plan import copied_files, plain_images
from stack.plan.image_config import BuildCommand, ImageConfig
from stack.plan.scripts import is_shell_script

_PYTHON_IMAGE = re.compile(r"python[:-]?v?(\d+\.\d+)|python:")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """``python``: what is installed into a Python environment; ``node``: the folder of a Node project.

    ``installs_itself``: the service's command calls pip, which needs an environment that it can write to.
    """

    python: Installation | None = None
    node: Path | None = None
    installs_itself: bool = False


def of_service(service: Service, image: ImageConfig) -> Needs:
    """Return what a service needs; nothing where it has no project on this machine."""
    project = service.build.context if service.build is not None else service.local.working_dir
    if project is None or (service.build is not None and service.build.url):
        return Needs()
    if not project.is_dir():
        return Needs()
    own = _own_commands(service, image, project)
    commands = (*install_commands(image.build_commands), *own)
    copied = install_commands(image.copied_build_commands)
    python = (
        _from_commands(commands, project, image)
        or _from_commands(copied, project, image)
        or _of_files(service, image, project)
    )
    if python is None and _PYTHON_IMAGE.search(image.base):
        python = Installation(folder=project)
    if python is not None:
        python = replace(python, python=_wish(python.python, image.base, service.local.python))
    installs_node = any(each.tool == "npm" for each in own)
    node = _node((*commands, *copied), project, image, is_local=service.build is None)
    return Needs(
        python=python,
        node=None if installs_node else node,
        installs_itself=any(each.tool == "pip" for each in own),
    )


def _own_commands(service: Service, image: ImageConfig, project: Path) -> tuple[InstallCommand, ...]:
    """What the command of a service installs when it starts, itself or in a shell script of the project."""
    entrypoint = service.entrypoint or image.entrypoint or ()
    argv = (*entrypoint, *(service.command or image.command or ()))
    text = argv[2] if argv[1:2] == ("-c",) and len(argv) > 2 else shlex.join(argv)
    folder = service.working_dir or image.working_dir
    names = [word for word in text.split() if "/" in word or word.endswith(".sh")]
    places = ((posixpath.normpath(posixpath.join(folder, name)), posixpath.basename(name)) for name in names)
    scripts = (_local(path, project, image, name) for path, name in places)
    texts = [each.read_text(errors="replace") for each in scripts if each and is_shell_script(each)]
    return install_commands(BuildCommand(text=each, working_dir=folder) for each in (text, *texts))


def _of_files(service: Service, image: ImageConfig, project: Path) -> Installation | None:
    """What the files of a project say; not where its image is known to be one of something else."""
    if plain_images.is_plain(service) and not _PYTHON_IMAGE.search(image.base):
        return None
    return kinds.find_python(_folder(project, image))


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
    """The project's own wish; ``x-local`` makes it exact, and the base image says what is preferred else."""
    if exact:
        required = ",".join(each for each in (wish.required, f"=={exact}.*") if each)
        return PythonWish(required=required)
    match = _PYTHON_IMAGE.search(base)
    of_image = match[1] if match and match[1] else ""
    return replace(wish, preferred=wish.preferred or of_image)


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
