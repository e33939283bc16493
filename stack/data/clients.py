"""pg_dump and pg_restore of the server's own major version: beside a local server, or in its container."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.data import postgres
from stack.data.stores import Server

LOOPBACK = "127.0.0.1"
VARIABLES = ("PGPASSWORD", "PGOPTIONS", "PGAPPNAME")
"""What they are told by their environment; a container has to be given each by name."""
COMPRESSION = "--compress=1"
"""zlib's fastest level: a third less time than its default, and a fifth more to store."""
OPTIONS = "-c synchronous_commit=off -c role=none -c default_transaction_read_only=off"
"""No commit waits for the disk. What is restored is used only after the exchange, whose commit does wait, and
with it all that was written before: https://www.postgresql.org/docs/15/wal-async-commit.html. The others are
what a database or a role may have set otherwise."""
SPOOLED = (
    'file=$(mktemp -p "${PGDATA:-/var/lib/postgresql/data}") && exec 3<>"$file" && rm "$file"'
    ' && cat >&3 && exec "$@" /dev/fd/3'
)
"""Writes the input of a program in a container to a file that several jobs read, beside the data, where room
was asked for. The file has no name when it is written: nothing is left of a program that is killed."""


@dataclass(frozen=True, kw_only=True)
class Clients:
    """How the clients of one server are run.

    ``prefix`` is what comes before their names (``docker exec``), ``folder`` where they lie on this machine,
    ``port`` where they find the server on loopback.
    """

    server: Server
    prefix: tuple[str, ...]
    folder: Path | None
    port: int

    @property
    def environment(self) -> Mapping[str, str]:
        """Return their environment: without ``PG*`` of the user's own, which could lead them elsewhere."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        name = postgres.program_name(self.server)
        return {**own, "PGPASSWORD": self.server.password, "PGOPTIONS": OPTIONS, "PGAPPNAME": name}

    def dump(self, moment: str) -> list[str]:
        """Return the command that writes a compressed dump of an exported snapshot to its output."""
        words = ["--format=custom", COMPRESSION, f"--snapshot={moment}"]
        return [*self.prefix, *self._client("pg_dump"), *words, "--dbname", self.server.database]

    def restore(self, database: str, *, options: list[str], jobs: int, file: Path) -> list[str]:
        """Return the command that restores a dump from its input, or by several ``jobs`` from ``file``."""
        words = ["--exit-on-error", *options, "--dbname", database]
        if jobs == 1:
            return [*self.prefix, *self._client("pg_restore"), *words]
        restore = [*self._client("pg_restore"), *words, f"--jobs={jobs}"]
        if self.folder is None:
            return [*self.prefix, "sh", "-c", SPOOLED, "sh", *restore]
        return [*restore, str(file)]

    def _client(self, program: str) -> list[str]:
        path = str(self.folder / program) if self.folder is not None else program
        where = ["--host", LOOPBACK, "--port", str(self.port), "--username", self.server.user]
        return [path, *where]
