"""Locks that several processes meet at: an advisory lock on Postgres, a file lock beside SQLite."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Holds the lock `name` on the default database; whoever comes second waits."""
    if connection.vendor == "postgresql":
        with _postgres_lock(zlib.crc32(name.encode())):
            yield
    elif connection.vendor == "sqlite" and "memory" not in str(connection.settings_dict["NAME"]):
        with _file_lock(Path(f"{connection.settings_dict['NAME']}.{name}.lock")):
            yield
    else:
        yield


@contextmanager
def _postgres_lock(key: int) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
