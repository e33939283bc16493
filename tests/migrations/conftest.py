"""A Postgres server, and an empty database on it for each test that asks for one."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.stack import PYTHON, ROOT, Stack, running
from migrations.backend import Backend


@pytest.fixture(scope="session")
def server() -> Iterator[Stack]:
    """A stack of which only Postgres runs."""
    with tempfile.TemporaryDirectory(prefix="stack-migrations-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "migrations", "local", "--service", "postgres") as stack:
            yield stack


@pytest.fixture(scope="session")
def databases(server: Stack) -> Iterator[subprocess.Popen[str]]:
    """What makes databases for tests and drops them, by way of the stack's guard."""
    process = subprocess.Popen(
        [PYTHON, "-m", "stack.commands.test_databases", server.name],
        cwd=ROOT,
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    yield process
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.fixture
def postgres(databases: subprocess.Popen[str]) -> Iterator[Backend]:
    """The backend with an empty Postgres database."""
    given = json.loads(ask(databases, "empty"))
    yield Backend(url=given["url"])
    assert databases.stdin is not None
    databases.stdin.write(f"drop {given['name']}\n")
    databases.stdin.flush()


def ask(databases: subprocess.Popen[str], question: str) -> str:
    assert databases.stdin is not None
    assert databases.stdout is not None
    databases.stdin.write(f"{question}\n")
    databases.stdin.flush()
    return databases.stdout.readline()


@pytest.fixture(scope="session")
def pg_restore() -> str:
    """The path of pg_restore of the server's own version."""
    code = "from stack.engines.local import servers; print(servers.client('postgres:15', 'pg_restore'))"
    asked = subprocess.run([PYTHON, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    return asked.stdout.strip()


@pytest.fixture
def sqlite(tmp_path: Path) -> Backend:
    """The backend with an SQLite file that does not exist yet."""
    return Backend(url=f"sqlite:///{tmp_path / 'shop.sqlite3'}")


@pytest.fixture(params=["postgres", "sqlite"])
def either(request: pytest.FixtureRequest) -> Backend:
    """The backend with each kind of database in turn."""
    backend: Backend = request.getfixturevalue(request.param)
    return backend
