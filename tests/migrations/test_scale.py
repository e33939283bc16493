"""How long each migration takes at scale, under load, and what it locks; printed, not judged.

MIGRATIONS_PRODUCTS says how many products; a measurement takes 100,000. Without it, one migration is timed,
with 2,000: that each of them goes back and forward is tested elsewhere.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import psycopg2
import pytest

from migrations.backend import Backend, migrations_of

LONG = "MIGRATIONS_PRODUCTS" in os.environ
PRODUCTS = os.environ.get("MIGRATIONS_PRODUCTS", "2000")
READERS = 4
PAUSE_S = 0.002
LOCKS = """SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.granted AND a.application_name = ''
AND a.pid <> pg_backend_pid()
AND l.mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareLock') AND c.relkind = 'r'
AND a.datname = current_database()"""


@dataclass(kw_only=True)
class Observations:
    """What was observed while a migration ran: seconds a lock was held, and the slowest read."""

    locks: dict[str, float] = field(default_factory=dict)
    slowest_read_s: float = 0.0
    reads: int = 0


@pytest.mark.parametrize("kind", ["postgres"])
def test_migrations_are_timed_at_scale_while_others_read(
    postgres: Backend, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres.manage("migrate", "--no-input")
    postgres.manage("seed", "--products", PRODUCTS, "--orders", "1000")
    began = time.monotonic()
    postgres.manage("migrate", "--no-input")
    nothing_s = time.monotonic() - began
    lines = [f"migration at {PRODUCTS} products, {READERS} readers | seconds | longest locks | slowest read"]
    lines.append(f"none, what `migrate` itself takes | {nothing_s:.2f} | - | -")
    steps = [
        (app, before, name)
        for (app, before), (same, name) in zip(migrations_of(), migrations_of()[1:], strict=False)
        if app == same
    ]
    for app, before, name in steps if LONG else steps[-1:]:
        postgres.manage("migrate", app, before, "--no-input")
        with observe(postgres.url) as observations:
            began = time.monotonic()
            postgres.manage("migrate", app, name, "--no-input")
            seconds = time.monotonic() - began
        postgres.manage("migrate", "--no-input")
        held = (
            ", ".join(f"{what} {held_s:.2f} s" for what, held_s in sorted(observations.locks.items()))
            or "none seen"
        )
        lines.append(
            f"{app}.{name} | {seconds:.2f} | {held} | {observations.slowest_read_s:.3f} s"
            f" of {observations.reads}"
        )
        assert observations.reads > 0
    assert len(lines) > 2
    with capsys.disabled():
        print("\n" + "\n".join(lines))


@contextmanager
def observe(url: str) -> Iterator[Observations]:
    """Read products side by side, and watch the locks of other sessions, while the block runs."""
    observations, ended = Observations(), threading.Event()
    threads = [threading.Thread(target=read, args=(url, observations, ended)) for _ in range(READERS)]
    threads.append(threading.Thread(target=watch, args=(url, observations, ended)))
    for thread in threads:
        thread.start()
    try:
        yield observations
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def read(url: str, observations: Observations, ended: threading.Event) -> None:
    with closing(psycopg2.connect(url, application_name="reader")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not ended.is_set():
                began = time.monotonic()
                cursor.execute("SELECT name FROM catalog_product ORDER BY id LIMIT 20")
                observations.slowest_read_s = max(observations.slowest_read_s, time.monotonic() - began)
                observations.reads += 1
                ended.wait(PAUSE_S)


def watch(url: str, observations: Observations, ended: threading.Event) -> None:
    with closing(psycopg2.connect(url, application_name="watcher")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            last = time.monotonic()
            while not ended.wait(PAUSE_S):
                cursor.execute(LOCKS)
                now = time.monotonic()
                for table, mode in set(cursor.fetchall()):
                    observations.locks[f"{mode} {table}"] = (
                        observations.locks.get(f"{mode} {table}", 0.0) + now - last
                    )
                last = now
