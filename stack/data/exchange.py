"""Exchange the database that the services use for another one, by two renames in one transaction.

New sessions are kept out, those that are there are ended, and ``pg_stat_activity`` is read every millisecond
until none is left: ``DROP DATABASE ... FORCE`` and a rename that meets a session wait in steps of 100 ms. The
services are not told: their next query connects anew, to the new database.

A journal in the stack's folder is written first and removed last. Where this process is killed in between,
``heal`` lets the services in again, to the old database or, where the renames were committed, to the new one,
whose Redis data it puts in place. The data is wholly old or wholly new at every moment.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from stack.data import keys, lock, mark, postgres, properties, template
from stack.data.mark import Identity
from stack.data.postgres import quoted
from stack.data.stores import Redis, Server
from stack.errors import ServiceFailed, StackError
from stack.records import folders
from stack.system import files

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


@dataclass(frozen=True, kw_only=True)
class Journal:
    """An exchange that has begun: which database comes in, and whether it brings Redis data along."""

    server: Server
    redis: Redis | None
    incoming_oid: int
    verb: str
    carries_keys: bool


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
        ServiceFailed: sessions did not end, or a server refused; the old database is in place.
    """
    known = mark.identities(cursor, incoming, server.database)
    new, old = known[incoming], known[server.database]
    outgoing = template.database_name(server.database, f"old_{secrets.token_hex(4)}")
    begun = Journal(server=server, redis=redis, incoming_oid=new.oid, verb=verb, carries_keys=carries_keys)
    statements = _statements(cursor, server, old, new, outgoing=outgoing, notes=notes)
    _write(begun)
    closed_at = time.monotonic()
    try:
        close(cursor, incoming, server.database)
        _rename(cursor, statements)
    except BaseException:
        with contextlib.suppress(StackError):  # without its server: the journal stays for the next command
            heal(server.stack)
        raise
    closed_s = time.monotonic() - closed_at
    _finish(begun)
    return Exchanged(outgoing=outgoing, closed_s=closed_s)


@contextlib.contextmanager
def closed(cursor: extensions.cursor, server: Server, verb: str) -> Iterator[None]:
    """Keep the services out of the server's database as long as the block lasts."""
    _write(Journal(server=server, redis=None, incoming_oid=NO_DATABASE, verb=verb, carries_keys=False))
    try:
        close(cursor, server.database)
        yield
    except BaseException:
        with contextlib.suppress(StackError):  # without its server: the journal stays for the next command
            heal(server.stack)
        raise
    heal(server.stack)


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


def heal(stack: str) -> str | None:
    """Complete or undo an exchange whose command was killed; return what was done, None where there is none.

    The caller holds the lock of the stack's data.
    """
    begun = _read(stack)
    if begun is None:
        return None
    with postgres.session(begun.server) as cursor:
        live = mark.identify(cursor, begun.server.database)
        completed = live is not None and live.oid == begun.incoming_oid
        if live is not None:
            postgres.allow_connections(cursor, begun.server.database, allowed=True)
    if completed:
        _finish(begun)
        return f"{stack}: completed `inv {begun.verb}`, which was killed"
    folders.exchange_journal(stack).unlink(missing_ok=True)
    return f"{stack}: undid `inv {begun.verb}`, which was killed"


def heal_abandoned(stack: str) -> str | None:
    """Heal as ``heal`` does where no command is at work; one that cannot be healed now is left as it is."""
    with lock.exclusive_or_none(stack) as free, contextlib.suppress(StackError):
        return heal(stack) if free else None
    return None


def open_abandoned(server: Server) -> None:
    """Let the services into the database that a command kept them out of when its server, too, ended.

    Only where no command is at work, and only into a database of this stack.
    """
    with lock.exclusive_or_none(server.stack) as free:
        if not free or heal(server.stack) is not None:
            return
        with postgres.session(server) as cursor:
            live = mark.identify(cursor, server.database)
            if (
                live is not None
                and live.mark is not None
                and mark.is_true(live.mark, live, stack=server.stack)
            ):
                postgres.allow_connections(cursor, server.database, allowed=True)


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


def _finish(begun: Journal) -> None:
    if begun.carries_keys:
        with postgres.session(begun.server, begun.server.database) as cursor:
            rows = keys.load(cursor)
            if rows is not None:
                keys.replace(begun.redis, rows, announce=begun.verb)
                with contextlib.suppress(StackError):  # what is in use is whole, with or without them
                    keys.forget(cursor)
    else:
        keys.replace(begun.redis, [], announce=begun.verb)
    folders.exchange_journal(begun.server.stack).unlink(missing_ok=True)


def _write(begun: Journal) -> None:
    files.write_atomically(folders.exchange_journal(begun.server.stack), json.dumps(asdict(begun)))


def _read(stack: str) -> Journal | None:
    try:
        raw = json.loads(folders.exchange_journal(stack).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    redis = Redis(**raw["redis"]) if raw["redis"] else None
    return Journal(**{**raw, "server": Server(**raw["server"]), "redis": redis})
