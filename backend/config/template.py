"""A prepared SQLite database to start from: a fresh one costs a copy instead of migrating and seeding.

It holds what `manage.py prepare` makes of an empty database, and nothing else. Preparing a new database
stores a template where the folder is writable; an image carries one from its build. It lies in `.templates`
beside manage.py, or in TEMPLATE_DIR.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent


def template_path(fingerprint: str) -> Path:
    """Return the path of the template for this code, these settings and this size of seed."""
    directory = Path(env.text("TEMPLATE_DIR", str(BASE_DIR / ".templates")))
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", "").rpartition(".")[2]
    return directory / f"{settings}-{env.text('SEED_PRODUCTS', 'default')}-{fingerprint[:32]}.sqlite3"


def template_copy(*, fingerprint: str, target: Path) -> bool:
    """Copy the template to a database that does not exist yet; return whether that was done."""
    source, partial = template_path(fingerprint), target.with_name(f"{target.name}.{os.getpid()}.partial")
    if target.exists() or not source.exists():
        return False
    try:
        shutil.copyfile(source, partial)
        _write_ahead(partial)
        os.link(partial, target)  # unlike a rename, refuses to replace an existing file
    except (OSError, sqlite3.Error):
        return False
    finally:
        with suppress(OSError):
            partial.unlink()
    return True


def _write_ahead(database: Path) -> None:
    """Switch a database to WAL before anybody uses it: the switch needs it alone, and does not wait for that.

    https://www.sqlite.org/wal.html#activating_and_configuring_wal_mode
    """
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def template_store(*, fingerprint: str, database: Path) -> bool:
    """Store a template of a new, prepared database; return whether that worked."""
    target = template_path(fingerprint)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(exist_ok=True)
        for outdated in target.parent.glob(f"{target.name.rpartition('-')[0]}-*.sqlite3"):
            outdated.unlink()
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM INTO ?", [str(partial)])
        partial.replace(target)
    except (OSError, sqlite3.Error):  # a read-only folder is no reason not to serve
        with suppress(OSError):
            partial.unlink()
        return False
    return True
