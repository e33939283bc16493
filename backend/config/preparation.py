"""Brings the database to the state that this code needs, once, before any worker serves.

The gunicorn master asks the database directly, without importing Django, whether it is prepared
already. Only if it is not does a child process import Django and run `manage.py prepare`, while the
workers import their code and wait for it. The master itself never holds application code, so that a
reload (HUP) always starts from what is on disk.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from config import env
from config.template import template_copy

BASE_DIR = Path(__file__).resolve().parent.parent

# A flushed or partly unmigrated database is not prepared, whatever its mark says.
PREPARED_SQL = (
    "SELECT 1 FROM core_preparation WHERE fingerprint = '{fingerprint}'"
    " AND migrations = (SELECT count(*) FROM django_migrations)"
    " AND (seeded = 0 OR EXISTS (SELECT 1 FROM catalog_product))"
)


def code_fingerprint() -> str:
    """Answers a hash of everything that decides what a prepared database looks like."""
    digest = hashlib.sha256()
    files = [
        *BASE_DIR.glob("*/migrations/*.py"),
        *BASE_DIR.glob("catalog/seed*.py"),
        BASE_DIR / "requirements.txt",
    ]
    for file in sorted(files):
        if file.exists():
            digest.update(file.relative_to(BASE_DIR).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def database_url() -> str:
    """Answers where the database is: DATABASE_URL, else a file beside manage.py."""
    return env.text("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")


def sqlite_path() -> Path | None:
    """Answers the file of an SQLite database, None for any other."""
    url = urlsplit(database_url())
    return Path(url.path[1:]) if url.scheme == "sqlite" and url.path != "/:memory:" else None


def is_prepared() -> bool:
    """Answers whether the database carries this code's mark; False whenever it cannot be asked."""
    query, path = PREPARED_SQL.format(fingerprint=code_fingerprint()), sqlite_path()
    if path is not None:
        return _sqlite_answers(path, query)
    url = database_url()
    return url.startswith("postgres") and _postgres_answers(url, query)


def _sqlite_answers(path: Path, query: str) -> bool:
    import sqlite3

    if not path.exists():
        return False
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchone() is not None
    except sqlite3.Error:
        return False
    finally:
        connection.close()


def _postgres_answers(url: str, query: str) -> bool:
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.Error:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone() is not None
    except psycopg2.Error:
        return False
    finally:
        connection.close()


class Preparation:
    """A child process that runs `manage.py prepare`.

    Whoever waits learns that it ended from a pipe whose other end only the child holds, and how it ended
    from one byte of memory that all of them share.
    """

    def __init__(self) -> None:
        self._ended, held_by_child = os.pipe()
        self._succeeded = mmap.mmap(-1, 1)
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _prepare_and_exit(self._succeeded)
        os.close(held_by_child)

    def wait(self, *, meanwhile: Callable[[], None], pause_s: float = 1.0) -> bool:
        """Answers whether the database is prepared; calls `meanwhile` every `pause_s` until it is known."""
        while not select.select([self._ended], [], [], pause_s)[0]:
            meanwhile()
        return self._succeeded[0] == 1

    def stop(self) -> None:
        """Ends the child; what it did not commit is undone by the database."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)


def _prepare_and_exit(succeeded: mmap.mmap) -> None:
    try:
        import django
        from django.core.management import call_command

        django.setup()
        call_command("prepare")
        succeeded[0] = 1
    except BaseException as failure:
        print(f"The database could not be prepared: {failure}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(1 - succeeded[0])


current: Preparation | None = None


def begin() -> None:
    """Starts a preparation unless the database is prepared already."""
    global current
    current = None if is_prepared() or _copied_from_template() else Preparation()


def _copied_from_template() -> bool:
    path = sqlite_path()
    return path is not None and template_copy(fingerprint=code_fingerprint(), target=path) and is_prepared()


def finish(*, meanwhile: Callable[[], None]) -> bool:
    """Answers whether the database is prepared, after waiting for the preparation that `begin` started."""
    return current is None or current.wait(meanwhile=meanwhile)


def stop() -> None:
    """Ends a preparation that still runs."""
    if current is not None:
        current.stop()
