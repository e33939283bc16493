"""Everything that is installed for a service of the local engine: a Python environment, npm packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.environments import interpreters, needs, node_modules, node_version, virtualenv
from stack.errors import NotRunnable
from stack.model import Service
from stack.plan.image_config import ImageConfig
from stack.plan.images import is_replaceable

Say = Callable[[str], None]

OWN = "venv"
"""The folder of an environment that one service alone uses."""


@dataclass(frozen=True, kw_only=True)
class ServiceEnvironment:
    """``programs`` are folders for the front of the PATH; ``virtualenv`` is the Python environment's own."""

    programs: tuple[Path, ...] = ()
    virtualenv: Path | None = None


def sync(
    service: Service,
    image: ImageConfig,
    scratch: Path | None = None,
    *,
    recreate: bool = False,
    say: Say = lambda text: None,
) -> ServiceEnvironment:
    """Return the environment of a service; install what is missing of it.

    A service whose command installs by itself has an environment of its own below ``scratch``, its folder.

    Raises:
        NotRunnable: a Node project without a lock.
        PythonMissing, LockMismatch, BuildFailed, DiskFull: it could not be installed.
    """
    needed = needs.of_service(service, image)
    programs: list[Path] = []
    folder: Path | None = None
    if needed.python is not None:
        if needed.installs_itself and scratch is not None:
            python = virtualenv.install_own(needed.python, scratch / OWN, name=service.name, say=say)
        else:
            python = virtualenv.install(needed.python, name=service.name, recreate=recreate, say=say)
        programs.append(python.bin)
        folder = python.path
    if needs.is_node_image(image.base):
        node_version.compare(service.name, image.base, say)
    if needed.node is not None:
        programs.append(node_modules.sync(needed.node, say=say))
    return ServiceEnvironment(programs=tuple(programs), virtualenv=folder)


def require_installable(service: Service, image: ImageConfig) -> None:
    """Check that what a service needs can be installed, without installing it.

    Raises:
        NotRunnable: a Node project without a lock, or a base image whose programs are not here.
        PythonMissing: no installed Python fits the project.
        LockMismatch: a file that says what to install cannot be read.
    """
    needed = needs.of_service(service, image)
    if needed.node is not None:
        node_modules.require_installable(needed.node)
    if needed.python is not None and not interpreters.running().satisfies(needed.python.python.required):
        interpreters.choose(service.name, needed.python.python)
    is_anything = needed.python is not None or needed.node is not None or service.local.command is not None
    if image.base and not is_anything and not is_replaceable(image.base):
        raise NotRunnable(
            f"its base image {image.base} is neither one of Python, Node.js, Postgres or Redis, "
            "nor a plain system, and a container engine alone can provide its programs.",
            hint='Add `x-local: {command: ["PROGRAM", "ARGUMENT"]}` to it, or use --engine docker.',
        )
