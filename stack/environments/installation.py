"""What is installed into a Python environment, as data: the commands of uv and all that they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stack.environments.interpreters import PythonWish

ENVIRONMENT: Final = "{environment}"
"""Stands for the environment's folder in a command."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The words of uv, run one after the other in ``folder``.

    ``inputs`` are the files whose content decides what is installed; ``lock`` is the one that errors
    name. ``files`` are written into the environment first. ``is_bound``: the environment refers to the
    folder itself, so no other folder can share it.
    """

    folder: Path
    commands: tuple[tuple[str, ...], ...] = ()
    inputs: tuple[Path, ...] = ()
    lock: Path | None = None
    python: PythonWish = field(default_factory=PythonWish)
    files: Mapping[str, str] = field(default_factory=dict)
    is_bound: bool = False


def pip_install(*words: str) -> tuple[str, ...]:
    """Return the command that installs ``words`` (requirements and options of pip) into the environment."""
    return (
        "pip",
        "install",
        "--no-progress",
        "--python",
        f"{ENVIRONMENT}/bin/python",
        "--no-python-downloads",
        *words,
    )
