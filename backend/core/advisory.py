"""Locks between processes: an advisory lock on Postgres, a file lock beside SQLite."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


@contextmanager
def advisory_lock(name: str) -> Iterator[None]:
    """Hold the lock `name` on the default database; wait while another process holds it."""
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


_locked_names: set[str] = set()
_guard = threading.Lock()


@contextmanager
def try_advisory_lock(name: str) -> Iterator[bool]:
    """Yield True and hold the lock `name`, or yield False at once where another caller holds it.

    The lock ends with the process that holds it, however that ends.
    """
    with _process_lock(name) as free:
        if free and connection.vendor == "postgresql":
            with _postgres_try_lock(name) as acquired:
                yield acquired
        else:
            yield free


@contextmanager
def _process_lock(name: str) -> Iterator[bool]:
    with _guard:
        free = name not in _locked_names
        if free:
            _locked_names.add(name)
    try:
        yield free
    finally:
        if free:
            with _guard:
                _locked_names.discard(name)


@contextmanager
def _postgres_try_lock(name: str) -> Iterator[bool]:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        acquired = cursor.fetchone()[0]
    try:
        yield acquired
    finally:
        if acquired and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
