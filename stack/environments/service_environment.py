"""Everything that is installed for a service of the local engine: a Python environment, npm packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.environments import needs, node_modules, virtualenv
from stack.model import Service
from stack.plan.image_config import ImageConfig

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ServiceEnvironment:
    """``programs`` are folders for the front of the PATH; ``virtualenv`` is the Python environment's own."""

    programs: tuple[Path, ...] = ()
    virtualenv: Path | None = None


def sync(
    service: Service, image: ImageConfig, *, recreate: bool = False, say: Say = lambda text: None
) -> ServiceEnvironment:
    """Return the environment of a service; install what is missing of it.

    Raises:
        NotRunnable: a Node project without a lock.
        PythonMissing, LockMismatch, BuildFailed, DiskFull: it could not be installed.
    """
    needed = needs.of_service(service, image)
    programs: list[Path] = []
    folder: Path | None = None
    if needed.python is not None:
        python = virtualenv.install(needed.python, name=service.name, recreate=recreate, say=say)
        programs.append(python.bin)
        folder = python.path
    if needed.node is not None:
        programs.append(node_modules.sync(needed.node, say=say))
    return ServiceEnvironment(programs=tuple(programs), virtualenv=folder)


def require_installable(service: Service, image: ImageConfig) -> None:
    """Check that what a service needs can be installed, without installing it.

    Raises:
        NotRunnable: a Node project without a lock.
        LockMismatch: a file that says what to install cannot be read.
    """
    needed = needs.of_service(service, image)
    if needed.node is not None:
        node_modules.require_lock(needed.node)
