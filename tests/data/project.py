"""A project that is not ours, with a Postgres that is made by a script, as many have it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import yaml

from data.stack import ENGINE, ROOT, Done, Stack


class Project:
    """A project with Postgres: no health check, a named volume, a script for its start.

    ``further`` are its other services.
    """

    def __init__(
        self, folder: Path, home: Path, *, script: str, further: dict[str, dict[str, Any]] | None = None
    ) -> None:
        self.file = folder / "compose.yml"
        service = {
            "image": "postgres:15",
            "environment": {"POSTGRES_PASSWORD": "secret", "PGPASSWORD": "secret", "POSTGRES_DB": "books"},
            "volumes": ["data:/var/lib/postgresql/data", "./init:/docker-entrypoint-initdb.d:ro"],
            "ports": ["127.0.0.1::5432"],
        }
        services = {"db": service, **(further or {})}
        name = f"books-{os.getpid()}"
        self.file.write_text(yaml.safe_dump({"name": name, "services": services, "volumes": {"data": {}}}))
        (folder / "init").mkdir()
        (folder / "init" / "books.sql").write_text(script)
        environment = {**os.environ, "STACK_HOME": str(home / "books"), "PYTHONPATH": str(ROOT)}
        self.stack = Stack(name=name, kind="", environment=environment)

    def inv(self, *words: str) -> Done:
        """Type a command at the project's stack and return how it ended."""
        return self.typed(*words, "--compose", str(self.file))

    def typed(self, *words: str) -> Done:
        """Type a command, word for word, and return how it ended."""
        return self.stack.typed_raw(*words)

    def done(self, *words: str) -> str:
        """Type a command that must succeed at the project's stack and return what it printed."""
        done = self.inv(*words)
        assert done.code == 0, f"inv {' '.join(words)} ended with {done.code}:\n{done.output}"
        return done.output

    def up(self) -> None:
        """Start the stack and wait until the database has what its script stores."""
        started = self.inv("up", "--engine", ENGINE)
        assert started.code == 0, started.output
        self.wait_for("SELECT $$up$$", "up")

    def sql(self, statement: str) -> str:
        """Return what psql prints in the service."""
        return self.inv("exec", "db", f"psql -h localhost -U postgres -d books -At -c '{statement}'").output

    def wait_for(self, question: str, answer: str) -> None:
        """Wait until the database gives an answer that holds ``answer``."""
        deadline = time.monotonic() + 60
        while answer not in (output := self.sql(question)):
            assert time.monotonic() < deadline, output
            time.sleep(0.2)
