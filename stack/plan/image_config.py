"""The configuration of the image that a Dockerfile makes, read without building it.

The names are those of an image's configuration
(https://github.com/opencontainers/image-spec/blob/main/config.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stack.plan.dockerfile import Dockerfile
from stack.plan.dockerfile_words import expand, split_words

IMAGE_ONLY = re.compile(r"[/$]|^PYTHONDONTWRITEBYTECODE=")
"""An image compiles its code when it is built; a local process compiles at its first run and keeps it."""


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """``entrypoint`` and ``command`` are empty where the Dockerfile names none."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def of_dockerfile(dockerfile: Dockerfile) -> ImageConfig:
    """Return the configuration of the image that the last stage makes."""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    for instruction in dockerfile.stages[-1].instructions if dockerfile.stages else ():
        if instruction.keyword == "ENTRYPOINT":
            entrypoint, command = _argv(instruction.text), ()
        elif instruction.keyword == "CMD":
            command = _argv(instruction.text)
        elif instruction.keyword == "ENV":
            environment |= _assignments(instruction.text, dockerfile.escape)
    return ImageConfig(entrypoint=entrypoint, command=command, environment=environment)


def _argv(text: str) -> tuple[str, ...]:
    """The exec form (a JSON list) as it is, the shell form by a shell."""
    try:
        words = json.loads(text)
    except ValueError:
        return ("/bin/sh", "-c", text)
    return tuple(str(word) for word in words)


def _assignments(text: str, escape: str) -> dict[str, str]:
    """``ENV`` values that mean the same outside the image: no path, no reference, nothing about layers."""
    words = split_words(text, escape)
    is_old_form = "=" not in words[0]
    pairs = [text.partition(" ")] if is_old_form else [word.partition("=") for word in words]
    return {
        key: expand(value, {}, escape) for key, _, value in pairs if not IMAGE_ONLY.search(f"{key}={value}")
    }
