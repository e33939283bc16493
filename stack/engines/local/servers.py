"""What the local engine runs for an ``image:``: real servers of this machine, no container."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from stack.engines.local.process import Launch
from stack.errors import NotRunnable
from stack.model import Service
from stack.plan import images


class Runner(Protocol):
    """Knows how to run one kind of server."""

    def prepare(
        self, service: Service, *, data: Mapping[str, Path], host: str, port: int, state: Path
    ) -> Launch:
        """Do all that must be done before the server can start; answer what to execute.

        ``data`` maps mount targets to host folders, empty or already holding data; ``state`` is a private
        folder that dies with the stack.
        """
        ...


def runner(image: str) -> Runner:
    """Return what runs ``image`` here.

    Raises:
        NotRunnable: nothing does.
    """
    from stack.engines.local.postgres import PostgresRunner
    from stack.engines.local.redis import RedisRunner

    reference = images.parse_reference(image)
    match reference.repository:
        case "postgres":
            return PostgresRunner(tag=reference.tag)
        case "redis" | "valkey" | "valkey/valkey":
            return RedisRunner(prefers=reference.repository.partition("/")[0])
    raise NotRunnable(
        f"The local engine cannot run the image {image!r}: it knows postgres, redis and valkey/valkey.",
        hint="Say what runs in its place with x-local, or use a container engine (--engine docker).",
    )


def client(image: str, program: str) -> str | None:
    """Return the path of a client program (``psql``, ``pg_dump``) that belongs to the image's server.

    Raises:
        ServerMissing: there are no programs of the image's version.
    """
    from stack.engines.local.binaries import postgres_bin
    from stack.engines.local.postgres import major_of

    reference = images.parse_reference(image)
    if reference.repository != "postgres":
        return None
    found = postgres_bin(major_of(reference.tag)) / program
    return str(found) if found.is_file() else None
