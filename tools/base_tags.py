"""Which base images the project needs: read from the compose files and Dockerfiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stack import compose
from stack.plan import dockerfile
from stack.system.directories import ROOT

COMPOSE_FILES = (
    ROOT / "compose" / "docker-compose.local.yml",
    ROOT / "compose" / "docker-compose.ci.yml",
)

CURL = "alpine/curl:latest"
"""The image in which the documented commands run the scripts of ``integration_tests/``; no file names it."""


def required_tags(files: Sequence[Path] = COMPOSE_FILES) -> tuple[str, ...]:
    """Return every tag that these stacks' images and builds start from, sorted, and the curl image.

    Images of services that a stack can do without are not among them.

    Raises:
        ComposeError: a compose file or a Dockerfile cannot be read.
    """
    tags = {CURL}
    for file in files:
        for service in compose.load(file, profiles=("*",)).services.values():
            if service.build is not None:
                tags.update(dockerfile.read(service.build).images())
            elif service.image is not None and not service.optional:
                tags.add(service.image)
    return tuple(sorted(tags))
