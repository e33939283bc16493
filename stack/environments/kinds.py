"""How a project says which Python packages it needs: one row a kind, in the order of preference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from stack.environments import pinned_lock, pyproject, requirements, uv_lock
from stack.environments.installation import Installation


class Find(Protocol):
    """Return what a project installs; None where it is not a project of this kind."""

    def __call__(self, project: Path) -> Installation | None: ...


class FindWithOptions(Protocol):
    """As ``Find``, with the options of the tool's own install command."""

    def __call__(self, project: Path, options: Sequence[str]) -> Installation | None: ...


PYTHON: Final[tuple[Find, ...]] = (
    requirements.find,
    uv_lock.find,
    pinned_lock.find_poetry,
    pinned_lock.find_pdm,
    pyproject.find,
)

TOOLS: Final[dict[str, FindWithOptions]] = {
    "uv": uv_lock.find,
    "poetry": pinned_lock.find_poetry,
    "pdm": pinned_lock.find_pdm,
}
"""The tools whose command in a Dockerfile says which groups of a project are installed."""

PYTHON_FILES: Final = (requirements.NAME, uv_lock.NAME, pinned_lock.POETRY, pinned_lock.PDM, pyproject.NAME)


def find_python(project: Path) -> Installation | None:
    """Return what the files of a project install; None where it has none of them."""
    return next((found for find in PYTHON if (found := find(project)) is not None), None)
