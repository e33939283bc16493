"""Exchange the database that the services use for another one, by two renames in one transaction.

New sessions are kept out, those that are there are ended, and ``pg_stat_activity`` is read every millisecond
until none is left: ``DROP DATABASE ... FORCE`` and a rename that meets a session wait in steps of 100 ms. The
services are not told: their next query connects anew, to the new database.

A journal in the stack's folder is written first and removed last (``stack.data.journal``): the data is wholly
old or wholly new at every moment, whatever is killed.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stack.data import journal, keys, mark, postgres, properties, template
from stack.data.journal import Journal
from stack.data.mark import Identity
from stack.data.postgres import quoted
from stack.data.stores import Redis, Server
from stack.errors import ServiceFailed, StackError

if TYPE_CHECKING:
    from psycopg2 import extensions

POLL_S = 0.001
END_LIMIT_S = 10.0
NO_DATABASE = 0
"""The number of no database (InvalidOid): nothing comes in."""

END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = ANY(%s) AND backend_type = 'client backend'
"""
"""Ends those that are there and counts them. One that was just being made when the door closed appears a
little later. Autovacuum is not ours to end; a rename and a copy end it themselves."""


@dataclass(frozen=True, kw_only=True)
class Exchanged:
    """The name that the database has now which was in use, and how long services were kept out (seconds)."""

    outgoing: str
    closed_s: float


def exchange(
    cursor: extensions.cursor,
    server: Server,
    redis: Redis | None,
    *,
    incoming: str,
    verb: str,
    carries_keys: bool = False,
    notes: dict[str, object] | None = None,
) -> Exchanged:
    """Put ``incoming`` in the place of the server's database; ``notes`` go into the mark of that.

    Raises:
        ServiceFailed: sessions did not end, or a server refused; the old database is in place. Where Redis
            refuses only after the exchange, the next command fills it.
    """
    _require_redis(cursor, server, redis, incoming, carries_keys=carries_keys)
    known = mark.identities(cursor, incoming, server.database)
    new, old = known[incoming], known[server.database]
    outgoing = template.database_name(server.database, f"old_{secrets.token_hex(4)}")
    begun = Journal(server=server, redis=redis, incoming_oid=new.oid, verb=verb, carries_keys=carries_keys)
    statements = _statements(cursor, server, old, new, outgoing=outgoing, notes=notes)
    journal.write(begun)
    closed_at = time.monotonic()
    try:
        close(cursor, incoming, server.database)
        _rename(cursor, statements)
    except BaseException:
        with contextlib.suppress(StackError):  # without its server: the journal stays for the next command
            journal.heal(server.stack)
        raise
    closed_s = time.monotonic() - closed_at
    journal.finish(begun)
    return Exchanged(outgoing=outgoing, closed_s=closed_s)


def _require_redis(
    cursor: extensions.cursor, server: Server, redis: Redis | None, incoming: str, *, carries_keys: bool
) -> None:
    """Check that Redis will take what belongs to the database that comes in."""
    rows: list[keys.Row] = []
    if carries_keys and redis is not None:
        with opened(cursor, server, incoming) as inside:
            rows = keys.load(inside) or []
    keys.require_replaceable(redis, rows)


@contextlib.contextmanager
def opened(cursor: extensions.cursor, server: Server, database: str) -> Iterator[extensions.cursor]:
    """Give a cursor in a closed database, which is closed again in the end."""
    postgres.allow_connections(cursor, database, allowed=True)
    try:
        with postgres.session(server, database) as inside:
            yield inside
    finally:
        close(cursor, database)


@contextlib.contextmanager
def closed(cursor: extensions.cursor, server: Server, verb: str) -> Iterator[None]:
    """Keep the services out of the server's database as long as the block lasts."""
    journal.write(Journal(server=server, redis=None, incoming_oid=NO_DATABASE, verb=verb, carries_keys=False))
    try:
        close(cursor, server.database)
        yield
    except BaseException:
        with contextlib.suppress(StackError):  # without its server: the journal stays for the next command
            journal.heal(server.stack)
        raise
    journal.heal(server.stack)


def close(
    cursor: extensions.cursor,
    *databases: str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Keep new sessions out of ``databases`` and end those that are there.

    Raises:
        ServiceFailed: a session did not end within 10 s.
    """
    names, deadline = list(databases), clock() + END_LIMIT_S
    end_sessions = cursor.mogrify(END_SESSIONS, (names,)).decode()
    cursor.execute(postgres.close_statement(*databases) + end_sessions)
    while left := _count(cursor):
        if clock() > deadline:
            raise ServiceFailed(
                f"The sessions of {', '.join(names)} did not end within {END_LIMIT_S:g} s; {left} are left.",
                hint="See `inv psql --command 'select * from pg_stat_activity'`.",
            )
        sleep(POLL_S)
        cursor.execute(end_sessions)


def _count(cursor: extensions.cursor) -> int:
    row = cursor.fetchone()
    return 0 if row is None else int(row[0])


def _statements(
    cursor: extensions.cursor,
    server: Server,
    old: Identity,
    new: Identity,
    *,
    outgoing: str,
    notes: dict[str, object] | None,
) -> str:
    """Return what exchanges two closed databases, with their marks, and opens the one that comes in."""
    live = quoted(server.database)
    branch = old.mark.notes.get("branch") if old.mark is not None else None
    became_old = replace(old, name=outgoing)
    became_live = replace(new, name=server.database)
    return ";".join(
        (
            f"ALTER DATABASE {live} RENAME TO {quoted(outgoing)}",
            f"ALTER DATABASE {quoted(new.name)} RENAME TO {live}",
            *properties.statements(cursor, old.oid, server.database),
            mark.statement(cursor, became_old, stack=server.stack, kind="old", notes=notes),
            mark.statement(
                cursor,
                became_live,
                stack=server.stack,
                kind="live",
                notes={"branch": branch} if branch else {},
            ),
            f"ALTER DATABASE {live} WITH ALLOW_CONNECTIONS true",
        )
    )


def _rename(cursor: extensions.cursor, statements: str) -> None:
    """Exchange the databases in one round trip: statements that are sent together are one transaction."""
    cursor.execute(statements)
