"""What a service whose image is a server starts: that server with arguments, or something else.

The entrypoints of the official images put the server's program before a first word that is an option, Redis'
before a configuration file, too (https://github.com/docker-library/postgres,
https://github.com/redis/docker-library-redis).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Final

from stack.model import Service
from stack.plan.dockerfile_words import expand, split_words
from stack.plan.images import ServerKind
from stack.plan.scripts import SHELLS

PROGRAMS: Final[Mapping[ServerKind, frozenset[str]]] = {
    "postgres": frozenset({"postgres"}),
    "redis": frozenset({"redis-server", "valkey-server"}),
    "prometheus": frozenset({"prometheus"}),
}
ENTRYPOINT: Final = "docker-entrypoint.sh"
_MORE_THAN_A_COMMAND: Final = re.compile(r"[;&|<>()`\n]")
"""What a shell makes of it is more than one program with its arguments."""


def arguments(
    service: Service, kind: ServerKind, *, entrypoint: tuple[str, ...] = (), command: tuple[str, ...] = ()
) -> tuple[str, ...] | None:
    """Return the arguments of the server that a service starts, None where it starts something else.

    ``entrypoint`` and ``command`` are those of its image, as far as they are known.
    """
    first = entrypoint if service.entrypoint is None else service.entrypoint
    rest = command if service.command is None and service.entrypoint is None else service.command or ()
    words = _without_shell((*first, *rest), service.environment)
    if words and posixpath.basename(words[0]) == ENTRYPOINT:
        words = words[1:]
    if not words or words[0].startswith("-") or (kind == "redis" and words[0].endswith(".conf")):
        return words
    return words[1:] if posixpath.basename(words[0]) in PROGRAMS[kind] else None


def _without_shell(words: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    """``sh -c "exec redis-server --port $PORT"`` as the shell would execute it."""
    if len(words) != 3 or posixpath.basename(words[0]) not in SHELLS or words[1] != "-c":
        return words
    if _MORE_THAN_A_COMMAND.search(words[2]):
        return words
    inner = split_words(words[2])
    inner = inner[1:] if inner[:1] == ["exec"] else inner
    return tuple(expand(word, variables) for word in inner)
