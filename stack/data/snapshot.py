"""Named copies of a stack's Postgres and Redis data, taken at one moment and kept in the stack's own server.

While a copy is taken the services are kept out of the database, so that neither store changes: a request gets
503 and is sent again. A snapshot is a database beside the one in use; Redis' keys lie in a schema of it. Its
mark is written last: a snapshot that was cut short does not exist.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stack.data import exchange, guard, journal, keys, lock, mark, postgres, room, rows, template
from stack.data.errors import SnapshotUnknown
from stack.data.guard import LiveData, Location
from stack.data.lock import Say
from stack.data.rows import Difference
from stack.data.stores import Server
from stack.errors import InvalidOption, NameTaken

if TYPE_CHECKING:
    from psycopg2 import extensions

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SAVE, RESTORE = "snapshot save", "snapshot restore"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A snapshot. ``created`` is seconds since the epoch, ``heads`` the newest migration of each app."""

    name: str
    database: str
    created: float
    branch: str
    heads: dict[str, str]
    size_bytes: int


def require_name(name: str) -> str:
    """Return ``name`` where it can name a snapshot.

    Raises:
        InvalidOption: it cannot.
    """
    if not name:
        raise InvalidOption(
            "No snapshot was named.", hint="`inv snapshot save NAME`, restore, delete or diff alike."
        )
    if not NAME.fullmatch(name):
        raise InvalidOption(
            f"{name!r} cannot be the name of a snapshot.",
            hint="Use letters, digits, dots, dashes and underscores, 63 at most, a letter or digit first.",
        )
    return name


def name_of_branch(branch: str) -> str:
    """Return the name of a branch's snapshot: what a name cannot hold becomes a dash."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", branch)[:63].lstrip("._-") or "branch"


def all_of(cursor: extensions.cursor, server: Server) -> list[Snapshot]:
    """Return the snapshots of the stack, oldest first."""
    found = [(n, m) for n, m in mark.marked_databases(cursor, stack=server.stack) if m.kind == "snapshot"]
    if not found:
        return []
    cursor.execute(
        "SELECT datname, pg_database_size(oid) FROM pg_database WHERE datname = ANY(%s)",
        ([name for name, _ in found],),
    )
    sizes = dict(cursor.fetchall())
    snapshots = [_snapshot(database, m.notes, sizes[database]) for database, m in found]
    return sorted(snapshots, key=lambda snapshot: snapshot.created)


def _snapshot(database: str, notes: Any, size_bytes: int) -> Snapshot:
    return Snapshot(
        name=notes["name"],
        database=database,
        created=notes["created"],
        branch=notes["branch"],
        heads=notes["heads"],
        size_bytes=size_bytes,
    )


def find(cursor: extensions.cursor, server: Server, name: str) -> Snapshot:
    """Return a snapshot.

    Raises:
        InvalidOption: the name cannot be one of a snapshot.
        SnapshotUnknown: there is none of that name.
    """
    require_name(name)
    snapshots = all_of(cursor, server)
    for snapshot in snapshots:
        if snapshot.name == name:
            return snapshot
    there = ", ".join(snapshot.name for snapshot in snapshots)
    raise SnapshotUnknown(
        f"{server.stack} has no snapshot {name!r}.",
        hint=f"Snapshots: {there}." if there else f"There is none yet: `inv snapshot save {name}`.",
    )


def save(live: LiveData, name: str, *, branch: str, overwrite: bool = False, say: Say) -> list[Snapshot]:
    """Take a snapshot and return all, the new one last.

    With ``overwrite`` one of that name is replaced, once the new one is complete.

    Raises:
        InvalidOption, NameTaken: the name cannot be used.
        NotDisposable, DataBusy: the guard refuses, or another command changes the data.
        DiskFull: there is no room for a copy.
    """
    require_name(name)
    server, location = live.server, live.location
    with lock.exclusive(server.stack, say=say), room.explained(server, location):
        journal.heal(server.stack)
        with postgres.session(server) as cursor:
            guard.require_disposable(cursor, server, location)
            earlier = [s for s in all_of(cursor, server) if s.name == name]
            if earlier and not overwrite:
                raise NameTaken(
                    f"{server.stack} has a snapshot {name!r} already.",
                    hint=f"Type `inv snapshot delete {name}` first, add --overwrite, or choose another name.",
                )
            template.drop_replaced(cursor, server)
            room.require(cursor, server, location)
            with exchange.closed(cursor, server, SAVE):
                held = keys.read(live.redis)
                copy = template.copy(cursor, server, server.database, kind="scratch", notes={})
        with template.dropped_on_failure(server, copy):
            _complete(server, copy, name, branch, held, earlier=[each.database for each in earlier])
        with postgres.session(server) as cursor:
            for snapshot in earlier:
                postgres.drop(cursor, snapshot.database)
            return all_of(cursor, server)


def _complete(
    server: Server, copy: str, name: str, branch: str, held: list[keys.Row], *, earlier: list[str]
) -> None:
    """Store Redis' keys in the copy, then mark it as the snapshot in the place of ``earlier`` ones."""
    with postgres.session(server) as cursor:
        postgres.allow_connections(cursor, copy, allowed=True)
        with postgres.session(server, copy) as inside:
            heads = rows.heads(inside)
        keys.store(server, copy, held)
        exchange.close(cursor, copy)
        final = template.database_name(server.database, f"snapshot_{secrets.token_hex(4)}")
        cursor.execute(f"ALTER DATABASE {postgres.quoted(copy)} RENAME TO {postgres.quoted(final)}")
        notes = {"name": name, "branch": branch, "heads": heads, "created": time.time()}
        known = mark.identities(cursor, final, *earlier)
        marks = [mark.statement(cursor, known[final], stack=server.stack, kind="snapshot", notes=notes)]
        marks += [mark.statement(cursor, known[old], stack=server.stack, kind="old") for old in earlier]
        cursor.execute(";".join(marks))  # statements that are sent together are one transaction


def restore(live: LiveData, name: str, *, say: Say) -> Snapshot:
    """Put a copy of a snapshot in the place of the stack's data; no service is restarted.

    What was in use is dropped when the next spare is made: that costs a checkpoint.

    Raises:
        InvalidOption, SnapshotUnknown: there is no such snapshot.
        NotDisposable, DataBusy: the guard refuses, or another command changes the data.
        DiskFull: there is no room for a copy.
    """
    server, location = live.server, live.location
    with lock.exclusive(server.stack, say=say), room.explained(server, location):
        journal.heal(server.stack)
        with postgres.session(server) as cursor:
            guard.require_disposable(cursor, server, location)
            snapshot = find(cursor, server, name)
            template.drop_replaced(cursor, server)
            room.require(cursor, server, location, database=snapshot.database)
            copy = template.copy(cursor, server, snapshot.database, kind="scratch", notes={})
            with template.dropped_on_failure(server, copy):
                exchange.exchange(cursor, server, live.redis, incoming=copy, verb=RESTORE, carries_keys=True)
    return snapshot


def delete(server: Server, location: Location, name: str, *, say: Say) -> list[Snapshot]:
    """Delete a snapshot; return those that are left.

    Raises: as ``restore``.
    """
    with lock.exclusive(server.stack, say=say), postgres.session(server) as cursor:
        guard.require_disposable(cursor, server, location)
        postgres.drop(cursor, find(cursor, server, name).database)
        return all_of(cursor, server)


def diff(server: Server, name: str, *, say: Say) -> list[Difference]:
    """Return how the stack's database differs from a snapshot.

    Raises:
        InvalidOption, SnapshotUnknown: there is no such snapshot.
    """
    with lock.exclusive(server.stack, say=say), postgres.session(server) as cursor:
        snapshot = find(cursor, server, name)
        with (
            exchange.opened(cursor, server, snapshot.database) as before,
            postgres.session(server, server.database) as after,
        ):
            return rows.differences(before, after)
