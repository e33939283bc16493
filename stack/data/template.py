"""Templates and spares: databases that were migrated and seeded ahead of time.

A *template* is made by the backend's own commands in a database of its own, which is then closed. It is named
for all that decides its content: the code's fingerprint, the number of products and orders, the seed.
A *spare* is a copy of a template that waits to be exchanged for the database in use.

Every one of them is marked only when it is complete. One that was left half made carries the mark of a
scratch database, or none; ``drop_unused`` drops it before the next is made.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stack.data import mark, postgres, rows
from stack.data.stores import Server
from stack.errors import ServiceFailed, StackError
from stack.system import processes

if TYPE_CHECKING:
    from psycopg2 import extensions

TEMPLATES_AT_MOST = 3
"""As many sizes of seed are held ready for quick use; each costs its size on disk."""

LIVE_BYTES = 63 - len("__snapshot_00000000")
"""What the longest suffix leaves of Postgres' longest name (NAMEDATALEN - 1)."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What decides the content of a template. ``products`` is None for the backend's own default."""

    code: str
    products: int | None = None
    orders: int = 0
    seed: int = 0

    @property
    def key(self) -> str:
        """Return the name of this content."""
        words = (self.code, self.products, self.orders, self.seed)
        return hashlib.sha256(repr(words).encode()).hexdigest()[:12]


Prepare = Callable[[Server, Recipe], None]
"""Migrates and seeds the empty database of a server."""


def database_name(live: str, suffix: str) -> str:
    """Return the name of a database that belongs to ``live``, of which a long name is cut short."""
    return f"{live.encode()[:LIVE_BYTES].decode(errors='ignore')}__{suffix}"


def find_spare(cursor: extensions.cursor, server: Server, recipe: Recipe) -> str | None:
    """Return a spare of this content, None where none is ready."""
    return find(cursor, server, "spare", recipe)


def make_spare(server: Server, recipe: Recipe, prepare: Prepare) -> str:
    """Return a new spare, a copy of its template, which is made where there is none."""
    with postgres.session(server) as cursor:
        drop_unused(cursor, server, recipe)
        template = find(cursor, server, "template", recipe)
    if template is None:
        template = make_template(server, recipe, prepare)
    with postgres.session(server) as cursor:
        return copy(cursor, server, template, kind="spare", notes={"key": recipe.key})


def make_template(server: Server, recipe: Recipe, prepare: Prepare) -> str:
    """Return a new template, made by the backend in a database of its own.

    Raises:
        CommandFailed: the backend's own commands failed.
    """
    build, name = database_name(server.database, "build"), database_name(server.database, f"t_{recipe.key}")
    with postgres.session(server) as cursor:
        postgres.drop(cursor, build)
        postgres.create_empty(cursor, build, like=server.database)
        mark.write(cursor, build, stack=server.stack, kind="scratch")
    with dropped_on_failure(server, build):
        prepare(replace(server, database=build), recipe)
        with postgres.session(server, build) as cursor:
            rows.analyze(cursor, vacuum=True)  # every copy begins with statistics and without dead rows
    with postgres.session(server) as cursor:
        postgres.drop(cursor, name)
        postgres.allow_connections(cursor, build, allowed=False)
        cursor.execute(f"ALTER DATABASE {postgres.quoted(build)} RENAME TO {postgres.quoted(name)}")
        notes = {"key": recipe.key, "code": recipe.code}
        mark.write(cursor, name, stack=server.stack, kind="template", notes=notes)
    return name


@contextlib.contextmanager
def dropped_on_failure(server: Server, name: str) -> Iterator[None]:
    """Drop the database ``name`` where the block fails: on a full disk it would keep what others need."""
    try:
        yield
    except BaseException:
        discard(server, name)
        raise


def discard(server: Server, name: str) -> None:
    """Drop a database that is no longer of use, even on a full disk; one that cannot be dropped now is later.

    It is emptied first, which gives its room back at once: ``DROP DATABASE`` begins with a checkpoint, and a
    Postgres that has no room for one ends. What a full disk does not let it empty is dropped later.
    """
    with contextlib.suppress(StackError), postgres.session(server) as cursor:
        postgres.end_sessions(cursor, name)  # of a program in a container, which goes on without its command
        with contextlib.suppress(ServiceFailed):
            postgres.allow_connections(cursor, name, allowed=True)
            with postgres.session(server, name) as inside:
                inside.execute("DROP SCHEMA IF EXISTS public, stack_redis CASCADE")
        postgres.drop(cursor, name)


def copy(
    cursor: extensions.cursor,
    server: Server,
    source: str | None,
    *,
    kind: mark.Kind,
    notes: dict[str, object],
) -> str:
    """Return a new, closed and marked copy of a database that has no sessions; an empty one of None."""
    name = database_name(server.database, f"{kind}_{secrets.token_hex(4)}")
    with dropped_on_failure(server, name):
        if source is None:
            postgres.create_empty(cursor, name, like=server.database)
        else:
            postgres.create(cursor, name, template=source)
        postgres.allow_connections(cursor, name, allowed=False)
        mark.write(cursor, name, stack=server.stack, kind=kind, notes=notes)
    return name


def drop_unused(cursor: extensions.cursor, server: Server, recipe: Recipe) -> None:
    """Drop what is of no use any more: exchanged databases, half made ones, templates of other code."""
    postgres.drop(cursor, database_name(server.database, "build"))
    drop_replaced(cursor, server)
    owned = mark.marked_databases(cursor, stack=server.stack)
    templates = [(n, m) for n, m in owned if m.kind == "template"]
    outdated = [n for n, m in templates if m.notes.get("code") != recipe.code]
    others = [n for n, m in templates if n not in outdated and m.notes.get("key") != recipe.key]
    unused = [n for n, m in owned if m.kind == "test" and _is_abandoned(m)]
    unused += [n for n, m in owned if m.kind == "spare" and m.notes.get("key") != recipe.key]
    for name in (*outdated, *others[: -(TEMPLATES_AT_MOST - 1)], *unused):
        postgres.drop(cursor, name)


def drop_replaced(cursor: extensions.cursor, server: Server) -> None:
    """Drop the databases that were exchanged for others and are not kept, and half made copies.

    The caller holds the lock of the stack's data: what is half made, or still at work, was left by a command
    that was killed.
    """
    postgres.end_programs(cursor, server)
    owned = mark.marked_databases(cursor, stack=server.stack)
    replaced = [n for n, m in owned if m.kind in {"old", "scratch"} and not m.notes.get("kept")]
    for name in (*replaced, *_unmarked_copies(cursor, server)):
        postgres.drop(cursor, name)


def _is_abandoned(found: mark.Mark) -> bool:
    """Return whether the process that a test's database was made for has ended."""
    return not processes.is_alive(found.notes.get("owner", 0), found.notes.get("started", 0.0))


def _unmarked_copies(cursor: extensions.cursor, server: Server) -> list[str]:
    """Return copies that were left without their mark, known by their names."""
    prefixes = [
        database_name(server.database, f"{kind}_") for kind in ("spare", "scratch", "snapshot", "test")
    ]
    cursor.execute(
        "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') IS NULL"
        " AND EXISTS (SELECT 1 FROM unnest(%s) prefix WHERE starts_with(datname, prefix))",
        (prefixes,),
    )
    return [row[0] for row in cursor.fetchall()]


def find(cursor: extensions.cursor, server: Server, kind: mark.Kind, recipe: Recipe) -> str | None:
    """Return the database of this kind and content, None where there is none."""
    for name, found in mark.marked_databases(cursor, stack=server.stack):
        if found.kind == kind and found.notes.get("key") == recipe.key:
            return name
    return None
