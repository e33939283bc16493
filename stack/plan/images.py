"""Image references: their parts, and which server an image runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

ServerKind = Literal["postgres", "redis", "prometheus"]

KINDS: Final[Mapping[str, ServerKind]] = {
    "postgres": "postgres",
    "postgis": "postgres",
    "pgvector": "postgres",
    "redis": "redis",
    "valkey": "redis",
    "redismod": "redis",
    "redis-stack": "redis",
    "redis-stack-server": "redis",
    "prometheus": "prometheus",
}
"""The last part of a repository's name, the same in every mirror, and the server that is inside."""


SYSTEMS: Final = frozenset(
    (
        *("scratch", "debian", "ubuntu", "alpine", "busybox", "fedora", "centos", "rockylinux", "almalinux"),
        *("amazonlinux", "archlinux", "buildpack-deps", "bash", "python", "node", "uv", "pypy"),
    )
)
"""Base images whose programs a machine has, or gets from what a service installs."""

PORTS: Final[Mapping[ServerKind, int]] = {"postgres": 5432, "redis": 6379, "prometheus": 9090}
"""Where each kind of server listens (the ``EXPOSE`` of the official images)."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The parts of an image reference; ``tag`` is ``latest`` where none is given."""

    repository: str
    tag: str

    @property
    def name(self) -> str:
        """Return the last part of the repository's name: ``redis`` of ``mirror.example:5000/a/redis``."""
        return self.repository.rpartition("/")[2]


def parse_reference(image: str) -> Reference:
    """Return repository and tag, without the default registry and without a digest.

    The grammar is that of https://pkg.go.dev/github.com/distribution/reference.
    """
    name = image.split("@", 1)[0]
    folder, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    repository = f"{folder}{slash}{last}"
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        repository = repository.removeprefix(prefix)
    return Reference(repository=repository, tag=tag or "latest")


def server_kind(image: str) -> ServerKind | None:
    """Return which server an image runs, None where the local engine knows no server for it."""
    return KINDS.get(parse_reference(image).name)


def is_replaceable(image: str) -> bool:
    """Return whether this machine can take the place of a base image that adds no programs of its own."""
    return parse_reference(image).name in SYSTEMS or server_kind(image) is not None


def additions(image: str) -> str:
    """Return what an image adds to its server, and a plain one may lack; empty where it adds nothing."""
    if parse_reference(image).name in ("postgres", "redis", "valkey"):
        return ""
    kind = server_kind(image)
    return {"postgres": "extensions", "redis": "modules"}.get(kind, "") if kind else ""


def major_version(tag: str) -> int | None:
    """Return the major version of the server that a tag names; None for ``latest`` and other words.

    Extensions put it behind their own version (``0.8.0-pg17``) or before it (``15-3.3``).
    """
    match = re.search(r"(?:^|-)pg(\d+)", tag) or re.match(r"(\d+)", tag)
    return int(match[1]) if match else None
