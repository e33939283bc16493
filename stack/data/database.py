"""A fresh Postgres database in a stack of ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stack.data import guard
from stack.errors import NotDisposable, ServiceFailed
from stack.records import state

if TYPE_CHECKING:
    from psycopg2 import extensions


MAINTENANCE = "template1"
"""Where we are connected meanwhile; every cluster has it, and nobody keeps data in it."""

CONNECT_S = 5
SUFFIX = "__template"


def recreate(
    *, host: str, port: int, user: str, password: str, name: str, stack: str, fingerprint: str | None = None
) -> bool:
    """Drop the database ``name``, whoever is connected, and make it again.

    Answers whether it came from the template of ``fingerprint``; else it is empty and must be prepared.

    Raises:
        NotDisposable: it is not the database of the running stack ``stack``.
        ServiceFailed: the server refused.
    """
    guard.require_disposable(host=host, port=port, stack=stack)
    with _session(host=host, port=port, user=user, password=password) as cursor:
        template = _template(cursor, name, fingerprint)
        _drop(cursor, name)
        _create(cursor, name, template or MAINTENANCE)
    return template is not None


def keep_template(
    *, host: str, port: int, user: str, password: str, name: str, stack: str, fingerprint: str
) -> None:
    """Keep ``name`` as it is now as the template of ``fingerprint``; nobody may be connected to it.

    Raises:
        NotDisposable, ServiceFailed: as for ``recreate``.
    """
    guard.require_disposable(host=host, port=port, stack=stack)
    kept = name + SUFFIX
    with _session(host=host, port=port, user=user, password=password) as cursor:
        _drop(cursor, kept)
        _create(cursor, kept, name)
        cursor.execute(f"ALTER DATABASE {quoted(kept)} WITH ALLOW_CONNECTIONS false")
        # The mark comes last: a copy that was cut short has none, and is never used.
        cursor.execute(f"COMMENT ON DATABASE {quoted(kept)} IS %s", (fingerprint,))


def empty_sqlite(path: Path, *, stack: str) -> None:
    """Drop all that a SQLite file holds, in one transaction; open connections stay valid.

    Raises:
        NotDisposable: the file is not in a folder of the stack ``stack``.
    """
    homes = [home.resolve() for home in (state.folder(stack), state.scratch(stack))]
    if not any(home in path.resolve().parents for home in homes):
        raise NotDisposable(f"{path} is not touched: it does not belong to the stack {stack}.")
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=CONNECT_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN EXCLUSIVE")
        while statements := drop_statements(_objects(connection)):
            connection.execute(statements[0])
        connection.execute("COMMIT")
        connection.execute("VACUUM")


def drop_statements(objects: list[tuple[str, str, str]]) -> list[str]:
    """Return how to drop (type, name, sql), views and virtual tables first: a table's shadows go with it."""

    def rank(entry: tuple[str, str, str]) -> int:
        return 0 if entry[0] == "view" else 1 if entry[2].upper().startswith("CREATE VIRTUAL") else 2

    return [f"DROP {kind.upper()} {quoted(name)}" for kind, name, _ in sorted(objects, key=rank)]


def quoted(name: str) -> str:
    """Return ``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _objects(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    query = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view')"
    return [row for row in connection.execute(query) if not row[1].startswith("sqlite_")]


def _template(cursor: extensions.cursor, name: str, fingerprint: str | None) -> str | None:
    if fingerprint is None:
        return None
    cursor.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s AND shobj_description(oid, 'pg_database') = %s",
        (name + SUFFIX, fingerprint),
    )
    return name + SUFFIX if cursor.fetchone() else None


def _drop(cursor: extensions.cursor, name: str) -> None:
    cursor.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")


def _create(cursor: extensions.cursor, name: str, template: str) -> None:
    cursor.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE {quoted(template)}")


@contextmanager
def _session(*, host: str, port: int, user: str, password: str) -> Iterator[extensions.cursor]:
    import psycopg2

    try:
        connection = psycopg2.connect(
            host=host, port=port, user=user, password=password, dbname=MAINTENANCE, connect_timeout=CONNECT_S
        )
        with closing(connection):
            connection.autocommit = True  # databases cannot be made within a transaction
            with connection.cursor() as cursor:
                yield cursor
    except psycopg2.Error as error:
        raise ServiceFailed(
            f"The database server at {host}:{port} refused: {str(error).strip()}", hint="See `inv logs`."
        ) from error
