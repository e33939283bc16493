"""The disposable mark: a comment on the database that says which stack may throw it away.

The engine writes it when a stack's Postgres becomes ready for the first time and its database is new, and
on every copy that it makes later. A comment belongs to one database of one cluster: neither
``CREATE DATABASE ... TEMPLATE`` nor a rename moves it to another. Its text also names the cluster and the
database's own number, so that a mark that was copied by hand or by ``pg_dump --create`` is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from stack.data import postgres
from stack.data.stores import Server

if TYPE_CHECKING:
    from psycopg2 import extensions

Kind = Literal["live", "spare", "template", "snapshot", "old", "scratch", "test"]

FACTS = """SELECT d.datname, d.oid::bigint, c.system_identifier::text, shobj_description(d.oid, 'pg_database')
FROM pg_database d, pg_control_system() c
"""
EMPTY = """SELECT NOT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
"""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Which stack may throw a database away, and what the database is to it; ``notes`` are free."""

    stack: str
    cluster: str
    oid: int
    kind: Kind
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A database as its server describes it; ``comment`` is the whole text of its comment."""

    name: str
    oid: int
    cluster: str
    comment: str | None

    @property
    def mark(self) -> Mark | None:
        """Return the mark that the comment holds, None where it is no mark."""
        return parse(self.comment)


def parse(comment: str | None) -> Mark | None:
    """Return the mark in a comment; None for any other text."""
    try:
        raw = json.loads(comment or "")
        values = raw["disposable"]
        kind = values["kind"]
        if kind not in get_args(Kind):
            return None
        return Mark(
            stack=str(values["stack"]),
            cluster=str(values["cluster"]),
            oid=int(values["oid"]),
            kind=kind,
            notes=dict(values.get("notes", {})),
        )
    except (ValueError, KeyError, TypeError):
        return None


def identify(cursor: extensions.cursor, database: str) -> Identity | None:
    """Return how the server describes a database, None where there is none of that name."""
    return identities(cursor, database).get(database)


def identities(cursor: extensions.cursor, *databases: str) -> dict[str, Identity]:
    """Return how the server describes those of ``databases`` that it has, by their names."""
    cursor.execute(f"{FACTS} WHERE d.datname = ANY(%s)", (list(databases),))
    return {identity.name: identity for identity in _fetched(cursor)}


def _fetched(cursor: extensions.cursor) -> list[Identity]:
    return [Identity(name=n, oid=o, cluster=c, comment=t) for n, o, c, t in cursor.fetchall()]


def write(
    cursor: extensions.cursor,
    database: str,
    *,
    stack: str,
    kind: Kind,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write the mark on a database that exists."""
    identity = identify(cursor, database)
    assert identity is not None
    cursor.execute(statement(cursor, identity, stack=stack, kind=kind, notes=notes))


def statement(
    cursor: extensions.cursor,
    identity: Identity,
    *,
    stack: str,
    kind: Kind,
    notes: Mapping[str, Any] | None = None,
) -> str:
    """Return the statement that writes the mark on a database."""
    values = {"stack": stack, "cluster": identity.cluster, "oid": identity.oid, "kind": kind}
    text = json.dumps({"disposable": {**values, "notes": dict(notes or {})}})
    literal = cursor.mogrify("%s", (text,)).decode()
    return f"COMMENT ON DATABASE {postgres.quoted(identity.name)} IS {literal}"


def marked_databases(cursor: extensions.cursor, *, stack: str) -> list[tuple[str, Mark]]:
    """Return the databases that carry a true mark of ``stack``, with it."""
    cursor.execute(f"{FACTS} ORDER BY d.oid")
    return [
        (identity.name, identity.mark)
        for identity in _fetched(cursor)
        if identity.mark is not None and is_true(identity.mark, identity, stack=stack)
    ]


def is_true(mark: Mark, identity: Identity, *, stack: str) -> bool:
    """Return whether the mark was written for this very database, by this stack."""
    return (mark.stack, mark.cluster, mark.oid) == (stack, identity.cluster, identity.oid)


def is_own(identity: Identity, *, stack: str) -> bool:
    """Return whether a database carries a true mark of ``stack``."""
    return identity.mark is not None and is_true(identity.mark, identity, stack=stack)


def has_mark(cursor: extensions.cursor, server: Server) -> bool | None:
    """Return whether the stack's database has its mark, None where there is no such database."""
    identity = identify(cursor, server.database)
    if identity is None:
        return None
    return is_own(identity, stack=server.stack)


def mark_if_new(server: Server, *, new: bool) -> bool | None:
    """Mark the stack's database as disposable where it is new; return whether it has the mark now.

    It is new where the stack made the server's data (``new``), or where nothing was ever stored in it. Any
    other is left alone: who made it is not known here. None: there is no such database yet.
    """
    with postgres.session(server) as cursor:
        identity = identify(cursor, server.database)
        if identity is None:
            return None
        if identity.mark is not None:
            return is_true(identity.mark, identity, stack=server.stack)
        if not new and not _is_empty(server):
            return False
        write(cursor, server.database, stack=server.stack, kind="live")
    return True


def _is_empty(server: Server) -> bool:
    with postgres.session(server, server.database) as cursor:
        cursor.execute(EMPTY)
        row = cursor.fetchone()
        return row is not None and bool(row[0])
