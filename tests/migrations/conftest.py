"""A Postgres server, and an empty database on it for each test that asks for one."""

from __future__ import annotations

import secrets
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


@pytest.fixture
def postgres(server: Stack) -> Iterator[Backend]:
    """The backend with an empty Postgres database."""
    name = f"test_{secrets.token_hex(4)}"
    with server.sql("template1") as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield Backend(url=f"postgresql://postgres:postgres@127.0.0.1:{server.port('postgres')}/{name}")
    with server.sql("template1") as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
