"""Secrets that a stack has of its own: made at random when first asked for, kept as long as the stack lives.

A compose file refers to one as a variable whose name begins with ``STACK_SECRET_``. The file that keeps the
values lies in the state folder, mode 0600.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from stack.records import folders, record_file

NAME = re.compile(r"\bSTACK_SECRET_[A-Z0-9_]+\b")


def requested(texts: Iterable[str]) -> set[str]:
    """Return the names of the secrets that compose files refer to."""
    return {name for text in texts for name in NAME.findall(text)}


def secrets_file(stack: str) -> Path:
    """Return where the secrets of the stack ``stack`` are kept."""
    return folders.of_stack(stack) / "secrets.json"


def read_or_create(stack: str, names: Iterable[str]) -> dict[str, str]:
    """Return a secret for each of ``names``; those that are missing are made and kept.

    Raises:
        StateUnreadable: the file is damaged.
    """
    path, values = secrets_file(stack), dict[str, str]()
    with contextlib.suppress(FileNotFoundError):
        values = record_file.read(path, dict[str, str])
    missing = {name: secrets.token_urlsafe(24) for name in names if name not in values}
    if missing:
        values |= missing
        record_file.write(path, values)
    return {name: values[name] for name in names}
