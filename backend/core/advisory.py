"""Locks that several processes meet at: an advisory lock on Postgres, a file lock beside SQLite."""

from __future__ import annotations

import hashlib
import threading
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


_held_here: set[str] = set()
_guard = threading.Lock()


@contextmanager
def exclusive_or_busy(name: str) -> Iterator[bool]:
    """Answers True and holds the lock `name`, or answers False at once where somebody else holds it.

    The lock ends with the process that holds it, however that ends.
    """
    with _held_in_process(name) as alone:
        if alone and connection.vendor == "postgresql":
            with _postgres_try_lock(name) as alone_everywhere:
                yield alone_everywhere
        else:
            yield alone


@contextmanager
def _held_in_process(name: str) -> Iterator[bool]:
    with _guard:
        alone = name not in _held_here
        if alone:
            _held_here.add(name)
    try:
        yield alone
    finally:
        if alone:
            with _guard:
                _held_here.discard(name)


@contextmanager
def _postgres_try_lock(name: str) -> Iterator[bool]:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        alone = cursor.fetchone()[0]
    try:
        yield alone
    finally:
        if alone and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
