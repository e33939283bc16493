"""What Redis holds for the services: emptied when the database is exchanged, or carried with it.

A copy of the database that brings its own Redis data holds it in the table ``stack_redis.keys``: both halves
of one moment lie in one place, and are complete or absent together.
"""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from stack.data import postgres, resp
from stack.data.resp import Command
from stack.data.stores import Redis, Server
from stack.errors import ServiceFailed

if TYPE_CHECKING:
    from psycopg2 import extensions

CREATE = """
DROP SCHEMA IF EXISTS stack_redis CASCADE;
CREATE SCHEMA stack_redis;
CREATE TABLE stack_redis.keys (key bytea, ttl_ms bigint, value bytea, database int)
"""
INSERT = "INSERT INTO stack_redis.keys VALUES %s"
SELECT = "SELECT * FROM stack_redis.keys"
FORGET = "DROP SCHEMA IF EXISTS stack_redis CASCADE"
BATCH = 1000
PROBE = "stack_redis.probe"
"""The key that a value is tried at, in a transaction that deletes it: no service ever sees it."""
FULL = "OOM"
"""Redis' word for having no memory left."""
FREED_WITHIN_S, POLL_S = 2.0, 0.01
DUMP = """
local rows = {}
for database in string.gmatch(redis.call('INFO', 'keyspace'), 'db(%d+):') do
  redis.call('SELECT', database)
  for _, key in ipairs(redis.call('KEYS', '*')) do
    rows[#rows + 1] = {key, redis.call('PTTL', key), redis.call('DUMP', key), tonumber(database)}
  end
end
return rows
"""
"""One script, so that the keys of all databases are read at one moment."""


class Row(NamedTuple):
    """A key, its time to live (-1: for ever), its value as ``DUMP`` gives it, the number of its database."""

    key: bytes
    ttl_ms: int
    value: bytes
    database: int = 0


def read(redis: Redis | None) -> list[Row]:
    """Return all keys at one moment; none where the stack has no Redis."""
    if redis is None:
        return []
    with resp.session(redis) as connection:
        return [Row(*row) for row in connection.call("EVAL", DUMP, 0)]


def require_replaceable(redis: Redis | None, rows: list[Row]) -> None:
    """Check that Redis will take ``rows`` in the place of all that it holds; it holds the same afterwards.

    Raises:
        ServiceFailed: it will not: it is a replica, wants another password, or cannot read a value.
    """
    if redis is None:
        return
    try:
        with resp.session(redis) as connection:
            connection.pipeline([("MULTI",), ("FLUSHALL",), ("XADD", PROBE, "*", "field", ""), ("DISCARD",)])
            for start in range(0, len(rows), BATCH):
                connection.pipeline(_attempts(rows[start : start + BATCH]))
    except ServiceFailed as error:
        if _is_full(error):  # what is to go makes room
            return
        raise ServiceFailed(error.message, hint=f"Nothing was changed. {error.hint}") from error


def _attempts(rows: list[Row]) -> list[Command]:
    restore: list[Command] = [("RESTORE", PROBE, 0, row.value, "REPLACE") for row in rows]
    return [("MULTI",), *restore, ("DEL", PROBE), ("EXEC",)]


def replace(redis: Redis | None, rows: list[Row], *, announce: str) -> None:
    """Put ``rows`` in the place of all that Redis holds, in one transaction.

    The shop's event stream, where it is empty, begins with the event ``data.replaced``, so that a consumer
    that remembers a position can tell that what follows belongs to other data. ``announce`` says by which
    verb.

    Raises:
        ServiceFailed: it refuses.
    """
    if redis is None:
        return
    commands = _replacing(redis, rows, announce)
    with resp.session(redis) as connection:
        try:
            connection.pipeline(commands)
        except ServiceFailed as error:
            if not _is_full(error):
                raise
            _fill_emptied(connection, commands)


def _fill_emptied(connection: resp.Connection, commands: list[Command]) -> None:
    """Empty a Redis that is full, then fill it: what it forgets is freed a moment later (lazyfree)."""
    connection.pipeline([("FLUSHALL",)])
    deadline = time.monotonic() + FREED_WITHIN_S
    while True:
        try:
            connection.pipeline(commands)
        except ServiceFailed as error:
            if not _is_full(error) or time.monotonic() >= deadline:
                raise
            time.sleep(POLL_S)
        else:
            return


def _replacing(redis: Redis, rows: list[Row], announce: str) -> list[Command]:
    commands: list[Command] = [("MULTI",), ("FLUSHALL",)]
    for database, group in groupby(sorted(rows, key=_database), key=_database):
        commands.append(("SELECT", database))
        commands += [("RESTORE", row.key, max(row.ttl_ms, 0), row.value) for row in group]
    stream = redis.event_stream
    if stream and all((row.database, row.key) != (0, stream.encode()) for row in rows):
        commands += [("SELECT", 0), ("XADD", stream, "*", *_event(announce))]
    return [*commands, ("EXEC",)]


def _is_full(error: ServiceFailed) -> bool:
    return isinstance(error, resp.Refused) and error.word == FULL


def _database(row: Row) -> int:
    return row.database


def _event(verb: str) -> tuple[str, ...]:
    fields = {
        "event_id": str(uuid.uuid4()),
        "type": "data.replaced",
        "aggregate": "shop",
        "created_at": datetime.now(UTC).isoformat(),
        "payload": json.dumps({"verb": verb}),
    }
    return tuple(word for pair in fields.items() for word in pair)


def store(server: Server, database: str, rows: list[Row]) -> None:
    """Store Redis' keys in a copy of the database."""
    from psycopg2.extras import execute_values

    with postgres.session(server, database) as cursor:
        cursor.execute(CREATE)
        execute_values(cursor, INSERT, rows, page_size=BATCH)


def load(cursor: extensions.cursor) -> list[Row] | None:
    """Return the keys that the database of ``cursor`` brings with it, None where it brings none."""
    cursor.execute("SELECT to_regclass('stack_redis.keys')")
    row = cursor.fetchone()
    if row is None or row[0] is None:
        return None
    cursor.execute(SELECT)
    return [Row(bytes(key), ttl, bytes(value), *database) for key, ttl, value, *database in cursor.fetchall()]


def forget(cursor: extensions.cursor) -> None:
    """Drop the stored keys from the database of ``cursor``."""
    cursor.execute(FORGET)
