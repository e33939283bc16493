"""What a database holds, in numbers: rows a table, migration heads, differences between two databases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stack.data.postgres import BYTES, quoted

if TYPE_CHECKING:
    from psycopg2 import extensions

TABLES = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_'
AND n.nspname NOT IN ('information_schema', 'stack_redis') ORDER BY 1, 2"""
MIGRATIONS = "django_migrations"
HEADS = "SELECT app, max(name), count(*) FROM {} GROUP BY app ORDER BY app"
APPLIED = "SELECT app || '.' || name FROM {} ORDER BY 1"

COLUMNS_AT_MOST = 1000
"""So many values one query gives; the server knows a little more (MaxTupleAttributeNumber)."""

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


def tables(cursor: extensions.cursor) -> dict[str, str]:
    """Return every table but the engine's own: what people call it, and its SQL name with its schema.

    The schema is always said: a database may have a ``search_path`` of its own.
    """
    cursor.execute(TABLES)
    found: dict[str, str] = {}
    for schema, name in cursor.fetchall():
        label, in_sql = name if schema == "public" else f"{schema}.{name}", f"{quoted(schema)}.{quoted(name)}"
        found[in_sql if label in found else label] = in_sql  # a name may have a dot in it
    return found


def analyze(cursor: extensions.cursor, *, vacuum: bool = False) -> None:
    """Give the planner its statistics of every table, and with ``vacuum`` leave no dead rows in them.

    The server's own tables are a superuser's: each would be a warning in its log.
    """
    if names := tables(cursor):
        cursor.execute(f"{'VACUUM (ANALYZE)' if vacuum else 'ANALYZE'} {', '.join(names.values())}")


def count(cursor: extensions.cursor) -> dict[str, int]:
    """Return the number of rows of every table, all at one moment."""
    return _each(cursor, "count(*)")


def checksums(cursor: extensions.cursor) -> dict[str, Any]:
    """Return a number for every table that is the same where its rows are, in whatever order they lie."""
    return _each(cursor, "sum(hashtextextended((t.*)::text, 0)::numeric)")


def _each(cursor: extensions.cursor, aggregate: str) -> dict[str, Any]:
    names = tables(cursor)
    found: dict[str, Any] = {}
    for start in range(0, len(names), COLUMNS_AT_MOST):
        some = dict(list(names.items())[start : start + COLUMNS_AT_MOST])
        values = (f"(SELECT {aggregate} FROM {name} t)" for name in some.values())  # noqa: S608  quoted names
        cursor.execute(f"SELECT {', '.join(values)}")
        row = cursor.fetchone()
        assert row is not None
        found |= dict(zip(some, row, strict=True))
    return found


def heads(cursor: extensions.cursor) -> dict[str, str]:
    """Return the newest migration of every app; none where the database was never migrated."""
    return {app: f"{name} ({number})" for app, name, number in _of_migrations(cursor, HEADS)}


def migrations(cursor: extensions.cursor) -> list[str]:
    """Return every applied migration as ``app.name``, sorted; none where the database was never migrated."""
    return [row[0] for row in _of_migrations(cursor, APPLIED)]


def _of_migrations(cursor: extensions.cursor, query: str) -> list[tuple[Any, ...]]:
    """Return what a query of Django's table of migrations gives, in whatever schema that is."""
    names = [name for label, name in tables(cursor).items() if label.rpartition(".")[2] == MIGRATIONS]
    if not names:
        return []
    cursor.execute(query.format(names[0]))
    return cursor.fetchall()


def content(cursor: extensions.cursor, name: str) -> Counter[str]:
    """Return the rows of a table, each as JSON."""
    cursor.execute(f"SELECT row_to_json(t.*)::text FROM {name} t")  # noqa: S608  a quoted name
    return Counter(_readable(cursor, row[0]) for row in cursor.fetchall())


def _readable(cursor: extensions.cursor, text: str) -> str:
    """Return the text of a database that says no encoding: it is UTF-8 in most."""
    if cursor.connection.encoding != BYTES:
        return text
    return text.encode("latin-1").decode("utf-8", "backslashreplace")


def differences(before: extensions.cursor, after: extensions.cursor) -> list[Difference]:
    """Return the tables that differ between two databases."""
    for cursor in (before, after):
        cursor.execute("SET search_path = pg_catalog")  # the text of a regclass says its schema, or not
    then, now = count(before), count(after)
    then_sums, now_sums = checksums(before), checksums(after)
    names = tables(before) | tables(after)
    found = []
    for table in sorted(names):
        if then_sums.get(table) != now_sums.get(table) or then.get(table) != now.get(table):
            difference = Difference(table=table, before=then.get(table), after=now.get(table))
            found.append(_with_rows(difference, before, after, names[table]))
    return found


def _with_rows(
    found: Difference, before: extensions.cursor, after: extensions.cursor, name: str
) -> Difference:
    """Return the difference with the rows themselves, where the table is small and is in both."""
    if found.before is None or found.after is None or max(found.before, found.after) > SMALL_ROWS:
        return found
    old, new = content(before, name), content(after, name)
    return replace(found, gone=tuple((old - new).elements()), new=tuple((new - old).elements()))


def size_bytes(cursor: extensions.cursor) -> int:
    """Return what the database of ``cursor`` takes on the disk."""
    cursor.execute("SELECT pg_database_size(current_database())")
    row = cursor.fetchone()
    return row[0] if row is not None else 0
