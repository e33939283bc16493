"""``requirements.txt``: with hashes or without, with ``-r``, ``-c`` and ``-e``.

Source of the rules: https://pip.pypa.io/en/stable/reference/requirements-file-format/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stack.environments.installation import Installation, pip_install
from stack.environments.project_metadata import python_wish
from stack.errors import LockMismatch

NAME: Final = "requirements.txt"
_REFERENCE: Final = re.compile(
    r"^\s*(?:-r|-c|--requirement|--constraint)(?:\s+|=|(?<=-[rc]))(\S+)", re.MULTILINE
)
_EDITABLE: Final = re.compile(r"^\s*(?:-e|--editable)(?:\s+|=)(\S+)|^\s*(\.{1,2}(?:/\S*)?)\s*$", re.MULTILINE)


def find(project: Path) -> Installation | None:
    """Return what ``requirements.txt`` of a project installs; None where there is no such file."""
    return of_file(project / NAME, project) if (project / NAME).is_file() else None


def of_file(file: Path, project: Path) -> Installation:
    """Return what a requirements file installs; its relative paths of projects start at ``project``.

    Raises:
        LockMismatch: a file that it refers to is missing.
    """
    files = tuple(_with_references(file, file, ()))
    texts = "\n".join(each.read_text(encoding="utf-8", errors="replace") for each in files)
    projects = [project / (match[1] or match[2]) for match in _EDITABLE.finditer(texts)]
    metadata = tuple(path for each in projects for path in metadata_of(each))
    hashes = ("--require-hashes",) if has_hashes(texts) else ()
    return Installation(
        folder=project,
        commands=(pip_install(*hashes, "-r", str(file)),),
        inputs=(*files, *metadata),
        lock=file,
        python=python_wish(project),
        is_bound=bool(projects),
    )


def metadata_of(project: Path) -> tuple[Path, ...]:
    """Return the files in which a project says its own dependencies."""
    files = (project / name for name in ("pyproject.toml", "setup.py", "setup.cfg"))
    return tuple(file for file in files if file.is_file())


def has_hashes(text: str) -> bool:
    """Return whether requirements are pinned with hashes; pip then wants one for each."""
    return "--hash=" in text


def _with_references(file: Path, origin: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    if file in above:
        return
    if not file.is_file():
        raise LockMismatch(
            f"{origin} refers to {file}, which does not exist.", hint="Correct its -r or -c line."
        )
    yield file
    text = file.read_text(encoding="utf-8", errors="replace")
    for match in _REFERENCE.finditer(text):
        if "://" not in match[1]:
            yield from _with_references((file.parent / match[1]).resolve(), file, (*above, file))
