"""``uv.lock``: its pins, installed with their hashes from the package index that this machine uses.

The lock names an index of its own; ``uv export`` leaves that out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from stack.environments import pyproject
from stack.environments.installation import ENVIRONMENT, Installation, pip_install
from stack.environments.project_metadata import python_wish, read_toml

NAME: Final = "uv.lock"
_WITH_VALUE: Final = frozenset(("--package", "--group", "--no-group", "--only-group", "--extra"))
_ALONE: Final = frozenset(("--all-extras", "--all-groups", "--no-dev", "--only-dev", "--no-default-groups"))


def find(project: Path, options: Sequence[str] = ("--no-dev",)) -> Installation | None:
    """Return what the lock of a project installs; ``options`` are those of ``uv sync``."""
    if not (project / NAME).is_file() or not (project / pyproject.NAME).is_file():
        return None
    exported = f"{ENVIRONMENT}/requirements.txt"
    member = _member(project, options)
    return Installation(
        folder=project,
        commands=(
            ("export", "--quiet", "--frozen", "--no-header", "--no-emit-workspace", "--no-python-downloads",
             "--python", f"{ENVIRONMENT}/bin/python", *_package_options(options), "--output-file", exported),
            pip_install("--require-hashes", "-r", exported),
            *pyproject.own_package(member),
        ),
        inputs=(project / NAME, project / pyproject.NAME, member / pyproject.NAME),
        lock=project / NAME,
        python=python_wish(member),
        is_bound=pyproject.is_package(member),
    )  # fmt: skip


def _package_options(options: Sequence[str]) -> Iterator[str]:
    """The options that say which packages are installed, in the order given."""
    words = iter(options)
    for word in words:
        name, _, value = word.partition("=")
        if name in _WITH_VALUE:
            yield from (name, value or next(words, ""))
        elif name in _ALONE:
            yield name


def _member(project: Path, options: Sequence[str]) -> Path:
    """The folder of the workspace's package that ``--package`` names; the project where there is none."""
    words = [part for word in options for part in word.split("=", 1)]
    if "--package" not in words:
        return project
    name = words[words.index("--package") + 1]
    patterns = read_toml(project / pyproject.NAME).get("tool", {}).get("uv", {}).get("workspace", {})
    for pattern in patterns.get("members", []):
        for folder in sorted(project.glob(pattern)):
            if (folder / pyproject.NAME).is_file():
                table = read_toml(folder / pyproject.NAME).get("project", {})
                if table.get("name") == name:
                    return folder
    return project
