"""Image references taken apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An image reference taken apart; ``tag`` is ``latest`` where none is given."""

    repository: str
    tag: str


def parse_reference(image: str) -> Reference:
    """Return repository and tag, the default registry and a digest left out.

    The grammar is that of https://pkg.go.dev/github.com/distribution/reference.
    """
    name = image.split("@", 1)[0]
    folder, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    repository = f"{folder}{slash}{last}"
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        repository = repository.removeprefix(prefix)
    return Reference(repository=repository, tag=tag or "latest")
