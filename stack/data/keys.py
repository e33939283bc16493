"""What Redis holds for the services: emptied when the database is exchanged, or carried with it.

A copy of the database that brings its own Redis data holds it in the table ``stack_redis.keys``: both halves
of one moment lie in one place, and are complete or absent together.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stack.data import postgres, resp
from stack.data.stores import Redis, Server

if TYPE_CHECKING:
    from psycopg2 import extensions

EVENT_STREAM = "shop.events"
"""The stream of the shop's events, as the backend writes it (backend/config/settings/base.py)."""

CREATE = """
DROP SCHEMA IF EXISTS stack_redis CASCADE;
CREATE SCHEMA stack_redis;
CREATE TABLE stack_redis.keys (key bytea, ttl_ms bigint, value bytea)
"""
INSERT = "INSERT INTO stack_redis.keys VALUES %s"
SELECT = "SELECT key, ttl_ms, value FROM stack_redis.keys"
FORGET = "DROP SCHEMA IF EXISTS stack_redis CASCADE"
BATCH = 1000
DUMP = """
local rows = {}
for i, key in ipairs(redis.call('KEYS', '*')) do
  rows[i] = {key, redis.call('PTTL', key), redis.call('DUMP', key)}
end
return rows
"""
"""One script, so that all keys are read at one moment."""

Row = tuple[bytes, int, bytes]
"""A key, its time to live in milliseconds (-1: for ever), and its value as ``DUMP`` gives it."""


def read(redis: Redis | None) -> list[Row]:
    """Return all keys at one moment; none where the stack has no Redis."""
    if redis is None:
        return []
    with resp.session(redis) as connection:
        return [(key, ttl, value) for key, ttl, value in connection.call("EVAL", DUMP, 0)]


def replace(redis: Redis | None, rows: list[Row], *, announce: str) -> None:
    """Put ``rows`` in the place of all that Redis holds, in one transaction.

    An empty event stream begins with the event ``data.replaced``, so that a consumer that remembers a
    position can tell that what follows belongs to other data; ``announce`` says by which verb.
    """
    if redis is None:
        return
    commands: list[tuple[bytes | str | int, ...]] = [("MULTI",), ("FLUSHALL",)]
    commands += [("RESTORE", key, max(ttl, 0), value) for key, ttl, value in rows]
    if all(key != EVENT_STREAM.encode() for key, _, _ in rows):
        commands.append(("XADD", EVENT_STREAM, "*", *_event(announce)))
    with resp.session(redis) as connection:
        connection.pipeline([*commands, ("EXEC",)])


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
    return [(bytes(key), ttl, bytes(value)) for key, ttl, value in cursor.fetchall()]


def forget(cursor: extensions.cursor) -> None:
    """Drop the stored keys from the database of ``cursor``."""
    cursor.execute(FORGET)
