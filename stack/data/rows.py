"""What a database holds, in numbers: rows a table, migration heads, differences between two databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stack.data.postgres import quoted

if TYPE_CHECKING:
    from psycopg2 import extensions

TABLES = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|stack_)'
AND n.nspname <> 'information_schema' ORDER BY 1, 2"""
HEADS = "SELECT app, max(name), count(*) FROM django_migrations GROUP BY app ORDER BY app"

SMALL_ROWS = 500
"""Of a table with at most so many rows the rows themselves are compared."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a table differs: rows then and now, and of a small one the rows deleted and added, as JSON."""

    table: str
    before: int | None
    after: int | None
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


def tables(cursor: extensions.cursor) -> list[str]:
    """Return every table of the database as an SQL name, those of the engine's own left out."""
    cursor.execute(TABLES)
    names = [(schema, name) for schema, name in cursor.fetchall()]
    return [
        quoted(name) if schema == "public" else f"{quoted(schema)}.{quoted(name)}" for schema, name in names
    ]


def analyze(cursor: extensions.cursor, *, vacuum: bool = False) -> None:
    """Give the planner its statistics of every table, and with ``vacuum`` leave no dead rows in them.

    The server's own tables are a superuser's: each would be a warning in its log.
    """
    if names := tables(cursor):
        cursor.execute(f"{'VACUUM (ANALYZE)' if vacuum else 'ANALYZE'} {', '.join(names)}")


def count(cursor: extensions.cursor) -> dict[str, int]:
    """Return the number of rows of every table, all at one moment."""
    return _each(cursor, "count(*)")


def checksums(cursor: extensions.cursor) -> dict[str, Any]:
    """Return a number for every table that is the same where its rows are, in whatever order they lie."""
    return _each(cursor, "sum(hashtextextended(t::text, 0)::numeric)")


def _each(cursor: extensions.cursor, aggregate: str) -> dict[str, Any]:
    names = tables(cursor)
    if not names:
        return {}
    columns = ", ".join(f"(SELECT {aggregate} FROM {name} t)" for name in names)  # noqa: S608  quoted names
    cursor.execute(f"SELECT {columns}")
    row = cursor.fetchone()
    assert row is not None
    return {name.replace('"', ""): value for name, value in zip(names, row, strict=True)}


def heads(cursor: extensions.cursor) -> dict[str, str]:
    """Return the newest migration of every app; none where the database was never migrated."""
    cursor.execute("SELECT to_regclass('django_migrations')")
    row = cursor.fetchone()
    if row is None or row[0] is None:
        return {}
    cursor.execute(HEADS)
    return {app: f"{name} ({number})" for app, name, number in cursor.fetchall()}


def migrations(cursor: extensions.cursor) -> list[str]:
    """Return every applied migration as ``app.name``, sorted; none where the database was never migrated."""
    cursor.execute("SELECT to_regclass('django_migrations')")
    row = cursor.fetchone()
    if row is None or row[0] is None:
        return []
    cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
    return [row[0] for row in cursor.fetchall()]


def content(cursor: extensions.cursor, counts: Mapping[str, int]) -> dict[str, Counter[str]]:
    """Return the rows of every small table, each as JSON."""
    small = {}
    for name in tables(cursor):
        plain = name.replace('"', "")
        if counts[plain] <= SMALL_ROWS:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {name} t")  # noqa: S608  a quoted name
            small[plain] = Counter(row[0] for row in cursor.fetchall())
    return small


def differences(before: extensions.cursor, after: extensions.cursor) -> list[Difference]:
    """Return the tables that differ between two databases."""
    then, now = count(before), count(after)
    then_sums, now_sums = checksums(before), checksums(after)
    then_rows, now_rows = content(before, then), content(after, now)
    found = []
    for table in sorted(then.keys() | now.keys()):
        if then_sums.get(table) == now_sums.get(table) and then.get(table) == now.get(table):
            continue
        old, new = then_rows.get(table), now_rows.get(table)
        gone = tuple((old - new).elements()) if old is not None and new is not None else ()
        came = tuple((new - old).elements()) if old is not None and new is not None else ()
        found.append(
            Difference(table=table, before=then.get(table), after=now.get(table), gone=gone, new=came)
        )
    return found


def size_bytes(cursor: extensions.cursor) -> int:
    """Return what the database of ``cursor`` takes on the disk."""
    cursor.execute("SELECT pg_database_size(current_database())")
    row = cursor.fetchone()
    return row[0] if row is not None else 0
