"""What the last stage of a Dockerfile runs, for the engine that builds no images.

Only what a plain process needs is read: ``ENTRYPOINT``, ``CMD``, ``ENV`` and ``STOPSIGNAL``
(https://docs.docker.com/reference/dockerfile/).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.errors import ComposeError

IMAGE_ONLY = re.compile(r"[/$]|^PYTHONDONTWRITEBYTECODE=")
"""An image compiles its code when it is built; a process compiles when it first runs, and keeps it."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """``argv`` is ENTRYPOINT + CMD, empty where the file names neither."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> Recipe:
    """Return what the image made from ``path`` would run.

    Raises:
        ComposeError: there is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ComposeError(
            f"{path}: the Dockerfile cannot be read ({error.strerror}).", hint="Check build.dockerfile."
        ) from error
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    for word, rest in _instructions(text):
        if word == "FROM":
            entrypoint, command, environment = (), (), {}
        elif word == "ENTRYPOINT":
            entrypoint, command = _exec_form(rest), ()
        elif word == "CMD":
            command = _exec_form(rest)
        elif word == "ENV":
            environment |= _assignments(rest)
    return Recipe(entrypoint=entrypoint, command=command, environment=environment)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield word.upper(), rest.strip()


def _exec_form(text: str) -> tuple[str, ...]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return ("/bin/sh", "-c", text)
    return tuple(str(part) for part in parsed)


def _assignments(text: str) -> dict[str, str]:
    """``ENV`` values that mean the same outside the image: no path, no reference, nothing about layers."""
    words = shlex.split(text)
    pairs = (
        [word.partition("=") for word in words] if "=" in words[0] else [(words[0], "=", " ".join(words[1:]))]
    )
    return {key: value for key, _, value in pairs if not IMAGE_ONLY.search(f"{key}={value}")}
