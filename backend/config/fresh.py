"""`python -m config.fresh`: fresh data in an SQLite database, while others are connected to it.

The prepared database is copied over the one in use by SQLite's own backup interface, in one transaction
(https://www.sqlite.org/backup.html): open connections stay valid, a reader goes on with what it began with
and reads the new data next, and a copy that is cut short changes nothing. Django is not imported unless a
prepared database of this kind has to be made first.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from config.preparation import BASE_DIR, code_fingerprint, sqlite_path
from config.template import template_path

TIMEOUT_S = 20.0
"""How long a writer in the middle of its transaction is waited for, as in the shop's own settings."""


def prepared_database(target: Path, *, orders: int, seed: int) -> Path:
    """Return a prepared database with what is asked for; one that does not exist is made beside `target`."""
    template = template_path(code_fingerprint())
    if not orders and not seed and template.exists():
        return template
    products = os.environ.get("SEED_PRODUCTS", "")
    words = f"{code_fingerprint()} {products} {orders} {seed}"
    path = target.with_name(f"prepared-{hashlib.sha256(words.encode()).hexdigest()[:12]}.sqlite3")
    if not path.exists():
        _make(path, products, orders=orders, seed=seed)
    return path


def _make(path: Path, products: str, *, orders: int, seed: int) -> None:
    building = path.with_name(f"{path.name}.{os.getpid()}.building")
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{building}", "REDIS_URL": ""}
    manage = [sys.executable, str(BASE_DIR / "manage.py")]
    try:
        first = {"SEED_PRODUCTS": "0"} if seed else {}
        subprocess.run([*manage, "prepare"], env=environment | first, check=True)
        if orders or seed:
            words = ["--products", products or "1000", "--orders", str(orders)]
            words += ["--seed", str(seed)] if seed else []
            subprocess.run([*manage, "seed", *words], env=environment, check=True, stdout=subprocess.DEVNULL)
        with closing(sqlite3.connect(building)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        building.replace(path)
    finally:
        for leftover in path.parent.glob(f"{building.name}*"):
            leftover.unlink()


def copy_over(source: Path, target: Path) -> None:
    """Replace all that `target` holds by what `source` holds, in one transaction."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as prepared,
        closing(sqlite3.connect(target, timeout=TIMEOUT_S)) as live,
    ):
        prepared.backup(live, sleep=0.01)


def main(arguments: list[str]) -> None:
    """Put fresh data in place; SEED_PRODUCTS says how many products."""
    parser = argparse.ArgumentParser(prog="python -m config.fresh")
    parser.add_argument("--orders", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    target = sqlite_path()
    if target is None:
        parser.error("DATABASE_URL is no SQLite file.")
    copy_over(prepared_database(target, orders=options.orders, seed=options.seed), target)


if __name__ == "__main__":
    main(sys.argv[1:])
