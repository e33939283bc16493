"""Bring the database to the state that this code needs, once, before any worker serves.

Gunicorn's master asks the database directly, without importing Django, whether it is prepared. Only if it is
not does a child process run `manage.py prepare`. The master itself never holds application code, so that a
reload (HUP) always starts from what is on disk.
"""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from config import vault
from config.template import template_copy

BASE_DIR = Path(__file__).resolve().parent.parent

# A flushed or partly unmigrated database is not prepared, whatever fingerprint it holds.
PREPARED_SQL = (
    "SELECT 1 FROM core_preparation WHERE fingerprint = '{fingerprint}'"
    " AND migrations = (SELECT count(*) FROM django_migrations)"
    " AND (seeded = 0 OR EXISTS (SELECT 1 FROM catalog_product))"
)


def code_fingerprint() -> str:
    """Return a hash of everything that decides what a prepared database looks like."""
    digest = hashlib.sha256()
    files = [
        *BASE_DIR.glob("*/migrations/*.py"),
        *BASE_DIR.glob("operations/seed*.py"),
        BASE_DIR / "requirements.txt",
    ]
    for file in sorted(files):
        if file.exists():
            digest.update(file.relative_to(BASE_DIR).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def database_url() -> str:
    """Return the database's URL: DATABASE_URL, from Vault where that is on; else a file beside manage.py."""
    return vault.secret("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")


def sqlite_path() -> Path | None:
    """Return the file of an SQLite database, None for any other."""
    url = urlsplit(database_url())
    return Path(url.path[1:]) if url.scheme == "sqlite" and url.path != "/:memory:" else None


def is_prepared() -> bool:
    """Return whether the database is prepared for this code; False where it does not answer."""
    query, path = PREPARED_SQL.format(fingerprint=code_fingerprint()), sqlite_path()
    if path is not None:
        return _sqlite_has_row(path, query)
    url = database_url()
    return url.startswith("postgres") and _postgres_has_row(url, query)


def _sqlite_has_row(path: Path, query: str) -> bool:
    if not path.exists():
        return False
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchone() is not None
    except sqlite3.Error:
        return False
    finally:
        connection.close()


def _postgres_has_row(url: str, query: str) -> bool:
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.Error:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('core_preparation') IS NOT NULL")
            if cursor.fetchone() == (False,):  # new: the query would be an error in the server's log
                return False
            cursor.execute(query)
            return cursor.fetchone() is not None
    except psycopg2.Error:
        return False
    finally:
        connection.close()


def prepare() -> bool:
    """Prepare the database unless it is prepared already; return whether it is."""
    if is_prepared() or _copied_from_template():
        return True
    command = [sys.executable, str(BASE_DIR / "manage.py"), "prepare"]
    return subprocess.run(command, cwd=BASE_DIR, check=False).returncode == 0


def _copied_from_template() -> bool:
    path = sqlite_path()
    return path is not None and template_copy(fingerprint=code_fingerprint(), target=path) and is_prepared()
