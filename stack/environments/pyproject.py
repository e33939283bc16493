"""``pyproject.toml``: the dependencies of a project, its Python, and whether it is a package of its own.

Source of the rules: https://packaging.python.org/en/latest/specifications/pyproject-toml/
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stack.environments.installation import Installation, pip_install
from stack.environments.project_metadata import python_wish, read_toml

NAME: Final = "pyproject.toml"


def find(project: Path) -> Installation | None:
    """Return what a project without a lock installs: the newest versions that its pyproject.toml accepts."""
    file = project / NAME
    if not file.is_file() or "project" not in read_toml(file):
        return None
    return Installation(
        folder=project,
        commands=(pip_install("-r", str(file)), *own_package(project)),
        inputs=(file,),
        lock=file,
        python=python_wish(project),
        is_bound=is_package(project),
    )


def is_package(project: Path) -> bool:
    """Return whether the project is built and installed itself: it names a build backend."""
    return "build-system" in read_toml(project / NAME)


def own_package(project: Path) -> tuple[tuple[str, ...], ...]:
    """Return the commands that install the project itself, from its folder; none where it is no package."""
    return (pip_install("--no-deps", "--editable", str(project)),) if is_package(project) else ()
