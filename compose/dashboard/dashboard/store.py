"""Spans in SQLite: bounded in runs and in size, readable while they are written."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from typing import Any, Literal

from dashboard.spans import Span

VERSION = 2
"""Raised where the tables change: a database of another version is made anew."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    run TEXT NOT NULL, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL,
    service TEXT NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL,
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, failed INTEGER NOT NULL, details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS spans_of_trace ON spans (trace_id);
CREATE INDEX IF NOT EXISTS beginnings_of_run ON spans (run, start_ns) WHERE parent_id = '' OR kind = 2;
CREATE TABLE IF NOT EXISTS runs (name TEXT PRIMARY KEY, began REAL NOT NULL);
"""
INSERT = "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
Order = Literal["recent", "slowest", "failed"]
_ORDERS: dict[Order, str] = {
    "recent": "start_ns DESC",
    "slowest": "end_ns - start_ns DESC",
    "failed": "failed DESC, start_ns DESC",
}
SERVER, CLIENT = 2, 3
"""``SPAN_KIND_SERVER`` and ``SPAN_KIND_CLIENT`` of the trace protocol."""
_TARGET, _STATUS = (
    "CAST(coalesce({}, '') AS TEXT)".format(
        ", ".join(f"""json_extract(details, '$.attributes."{name}"')""" for name in names)
    )
    for names in (("http.target", "url.path"), ("http.status_code", "http.response.status_code"))
)
"""What a request asked for and how it was answered: these attributes were renamed once."""
_MANY = 500
"""Rows of one answer at the most."""


class Store:
    """The database: one thread writes, each reader has its own connection. ``spans`` counts what it has."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open()
        except sqlite3.OperationalError:  # a full disk or the like: the file may be sound
            raise
        except sqlite3.DatabaseError:  # the file is damaged, or none of a database
            for part in path.parent.glob(f"{path.name}*"):
                part.unlink()
            self._open()

    def _open(self) -> None:
        """Open the connection that writes; tables of another version are made anew."""
        self._writer = self._connect()
        if self._writer.execute("PRAGMA user_version").fetchone()[0] not in {0, VERSION}:
            self._writer.executescript("DROP TABLE IF EXISTS spans; DROP TABLE IF EXISTS runs;")
        self._writer.executescript(SCHEMA)
        self._writer.execute(f"PRAGMA user_version = {VERSION}")
        self._count()

    def begin_run(self, run: str, *, kept: int) -> None:
        """Note a run, and forget all but the last ``kept`` ones."""
        with self._writer as connection:
            connection.execute("INSERT OR IGNORE INTO runs VALUES (?, ?)", (run, self._clock()))
            old = connection.execute("SELECT name FROM runs ORDER BY began DESC LIMIT -1 OFFSET ?", (kept,))
            for (name,) in old.fetchall():
                connection.execute("DELETE FROM spans WHERE run = ?", (name,))
                connection.execute("DELETE FROM runs WHERE name = ?", (name,))
        self._count()

    def add(self, run: str, spans: Iterable[Span]) -> None:
        """Write spans in one transaction."""
        with self._writer as connection:
            added = connection.executemany(INSERT, ((run, *astuple(span)) for span in spans))
        self.spans += added.rowcount

    def shrink(self, limit_bytes: int) -> int:
        """Delete a quarter of the spans where the database is larger than ``limit_bytes``; return how many.

        What no request led to goes first, such as a worker's looking for work, then what is oldest.
        """
        pages, size, free = (
            self._writer.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "page_size", "freelist_count")
        )
        if (pages - free) * size <= limit_bytes:
            return 0
        with self._writer as connection:
            gone = connection.execute(
                "DELETE FROM spans WHERE rowid IN (SELECT rowid FROM spans "
                "ORDER BY parent_id = '' AND kind = ? DESC, rowid "
                "LIMIT (SELECT max(1, count(*) / 4) FROM spans))",
                (CLIENT,),
            )
        self.spans -= gone.rowcount
        return gone.rowcount

    def traces(
        self, *, order: Order, run: str | None, words: str = "", background: bool = True, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Return traces by their first span: id, service, name, start, duration, failed, number of spans;
        and of a request the address that was asked for and the status of the answer, "" where there is none.

        A trace begins with a span without a parent, or with a request whose sender sent no span of its own.
        Without ``background`` those are left out that begin with a statement or a call (a client's span).
        """
        query = f"""
            SELECT root.trace_id, root.service, root.name, root.start_ns,
                root.end_ns - root.start_ns AS took_ns, {_TARGET} AS target, {_STATUS} AS status,
                (SELECT max(failed) FROM spans WHERE trace_id = root.trace_id) AS failed,
                (SELECT count(*) FROM spans WHERE trace_id = root.trace_id) AS spans
            FROM spans AS root
            WHERE (parent_id = '' OR kind = {SERVER}) AND {"run = :run" if run else ":run IS NULL"}
                AND (parent_id = '' OR NOT EXISTS (
                    SELECT 1 FROM spans WHERE trace_id = root.trace_id AND span_id = root.parent_id
                ))
                AND (:background OR kind != {CLIENT})
                AND (name LIKE :words ESCAPE '\\' OR {_TARGET} LIKE :words ESCAPE '\\')
            ORDER BY {_ORDERS[order]} LIMIT :limit
        """  # noqa: S608  all that is put in is a constant
        escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values = {"run": run, "words": f"%{escaped}%", "background": background, "limit": min(limit, _MANY)}
        return self._rows(query, values)

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """Return the spans of a trace, the earliest first, ``details`` as a mapping."""
        query = "SELECT * FROM spans WHERE trace_id = :trace ORDER BY start_ns, rowid LIMIT 2000"
        return [
            {**row, "details": json.loads(row["details"])} for row in self._rows(query, {"trace": trace_id})
        ]

    def _count(self) -> None:
        self.spans: int = self._writer.execute("SELECT count(*) FROM spans").fetchone()[0]

    def close(self) -> None:
        self._writer.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=5, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")  # spans are evidence, not accounts
        return connection

    def _rows(self, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        with closing(self._connect()) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]
