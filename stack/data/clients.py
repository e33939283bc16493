"""pg_dump and pg_restore of the server's own major version: beside a local server, or in its container."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.data.stores import Server

LOOPBACK = "127.0.0.1"


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
    def shares_files(self) -> bool:
        """Return whether they can open files of this machine by their paths."""
        return self.folder is not None

    @property
    def environment(self) -> Mapping[str, str]:
        """Return their environment: without ``PG*`` of the user's own, which could lead them elsewhere."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**own, "PGPASSWORD": self.server.password}

    def dump(self, moment: str) -> list[str]:
        """Return the command that writes a compressed dump of an exported snapshot to its output."""
        words = ["--format=custom", f"--snapshot={moment}", "--no-owner", "--no-privileges"]
        return [*self._client("pg_dump"), *words, "--dbname", self.server.database]

    def restore(self, database: str, *, jobs: int, file: Path) -> list[str]:
        """Return the command that restores a dump from its input, or by several ``jobs`` from ``file``."""
        words = ["--exit-on-error", "--no-owner", "--no-privileges", "--dbname", database]
        if jobs > 1:
            return [*self._client("pg_restore"), *words, f"--jobs={jobs}", str(file)]
        return [*self._client("pg_restore"), *words]

    def _client(self, program: str) -> list[str]:
        path = str(self.folder / program) if self.folder is not None else program
        where = ["--host", LOOPBACK, "--port", str(self.port), "--username", self.server.user]
        return [*self.prefix, path, *where]
