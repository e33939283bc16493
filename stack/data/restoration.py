"""Put a backup in the place of a stack's data, and take that back again.

The backup is verified first, in a scratch database that then becomes the one in use, by the exchange that
resets use. The database that was in use stays, closed, with Redis' keys in it, until the next restore: that
is what ``undo`` brings back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stack.data import (
    exchange,
    guard,
    journal,
    keys,
    loading,
    lock,
    manifest,
    mark,
    postgres,
    room,
    rows,
    template,
)
from stack.data.backup import Progress
from stack.data.errors import BackupNewer, BackupOlder, NothingToUndo
from stack.data.guard import LiveData, Location
from stack.data.loading import Source
from stack.data.lock import Say
from stack.data.manifest import Manifest
from stack.data.stores import Redis, Server

if TYPE_CHECKING:
    from psycopg2 import extensions

VERB = "restore"
Migrate = Callable[[Server], None]
"""Brings the database of a server to the migrations of the present code."""


def verify(
    source: Source, server: Server, location: Location, *, project: str, progress: Progress, say: Say
) -> Manifest:
    """Check every file of a backup, restore it into a scratch database and compare; nothing else changes.

    Raises:
        NotABackup, BackupDamaged, BackupForeign, BackupOtherServer, BackupNewer: it is not fit for that.
        DiskFull: there is no room for it.
    """
    with lock.exclusive(server.stack, say=say), room.explained(server, location):
        expected, _ = _require_fit(source.folder, server, location, project=project)
        loading.read_keys(source, expected)
        scratch = loading.restore_copy(source, expected, server, location, progress=progress, say=say)
        with postgres.session(server) as cursor:
            postgres.drop(cursor, scratch)
    return expected


def restore(
    source: Source,
    live: LiveData,
    *,
    project: str,
    migrate: Migrate | None,
    keep_old: bool,
    progress: Progress,
    say: Say,
) -> Manifest:
    """Verify a backup and put it in the place of the stack's data; no service is restarted.

    ``migrate`` is called where the backup is older than the code; ``keep_old`` lets the database that was in
    use stay also after later restores.

    Raises: as ``verify``, and BackupOlder: it is older, and ``migrate`` is None.
    """
    server, location = live.server, live.location
    with lock.exclusive(server.stack, say=say), room.explained(server, location):
        journal.heal(server.stack)
        expected, is_older = _require_fit(source.folder, server, location, project=project)
        if is_older and migrate is None:
            raise BackupOlder(
                f"{source.folder} lacks migrations of the present code.",
                hint="Let it be migrated: add --migrate.",
            )
        held = loading.read_keys(source, expected)
        scratch = loading.restore_copy(source, expected, server, location, progress=progress, say=say)
        with template.dropped_on_failure(server, scratch):
            if is_older and migrate is not None:
                migrate(replace(server, database=scratch))
            keys.store(server, scratch, held)
            with postgres.session(server) as cursor:
                guard.require_disposable(cursor, server, location)
                _forget_earlier(cursor, server)
                _exchange(cursor, server, live.redis, scratch, keep_old=keep_old)
    return expected


def undo(live: LiveData, *, say: Say) -> float:
    """Bring back the data that the last restore replaced; return when that was, in seconds since the epoch.

    Raises:
        NothingToUndo: nothing was restored, or what was replaced is not there any more.
    """
    server = live.server
    with lock.exclusive(server.stack, say=say):
        journal.heal(server.stack)
        with postgres.session(server) as cursor:
            guard.require_disposable(cursor, server, live.location)
            replaced = _replaced_databases(cursor, server)
            if not replaced:
                raise NothingToUndo(
                    f"No restore of {server.stack} can be undone.",
                    hint="See `inv snapshot list`.",
                )
            name, found = replaced[-1]
            _exchange(cursor, server, live.redis, name, keep_old=False)
    return float(found.notes["undo"])


def _require_fit(folder: Path, server: Server, location: Location, *, project: str) -> tuple[Manifest, bool]:
    """Return what a backup says about itself, and whether it lacks migrations of the present code."""
    expected = manifest.read(folder)
    manifest.require_files(folder, expected)
    with postgres.session(server) as cursor:
        guard.require_disposable(cursor, server, location)
        manifest.require_fitting(folder, expected, project=project, postgres=postgres.major_version(cursor))
        template.drop_replaced(cursor, server)
        room.require(cursor, server, location, size_bytes=expected.database_bytes)
    with postgres.session(server, server.database) as cursor:
        known = set(rows.migrations(cursor))
    if known and (unknown := sorted(set(expected.migrations) - known)):
        raise BackupNewer(
            f"{folder} has migrations that the present code does not know: {', '.join(unknown[:3])}.",
            hint="Check out the code that it was made with, or a newer one.",
        )
    return expected, not known <= set(expected.migrations)


def _replaced_databases(cursor: extensions.cursor, server: Server) -> list[tuple[str, mark.Mark]]:
    owned = [
        (n, m)
        for n, m in mark.marked_databases(cursor, stack=server.stack)
        if m.kind == "old" and "undo" in m.notes
    ]
    return sorted(owned, key=lambda pair: float(pair[1].notes["undo"]))


def _forget_earlier(cursor: extensions.cursor, server: Server) -> None:
    """Let the process that makes the next spare drop what earlier restores replaced."""
    for name, found in _replaced_databases(cursor, server):
        if not found.notes.get("keep_old"):
            mark.write(cursor, name, stack=server.stack, kind="old")


def _exchange(
    cursor: extensions.cursor, server: Server, redis: Redis | None, incoming: str, *, keep_old: bool
) -> None:
    held = keys.read(redis)
    notes: dict[str, object] = {"kept": True, "undo": time.time(), "keep_old": keep_old}
    done = exchange.exchange(
        cursor, server, redis, incoming=incoming, verb=VERB, carries_keys=True, notes=notes
    )
    postgres.allow_connections(cursor, done.outgoing, allowed=True)
    keys.store(server, done.outgoing, held)
    exchange.close(cursor, done.outgoing)
