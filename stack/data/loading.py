"""Load a backup into a database of its own, and compare what came with what the manifest counted."""

from __future__ import annotations

import gzip
import json
import os
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stack.data import encryption, postgres, room, rows, template
from stack.data.backup import DATABASE, LIMIT_S, REDIS, Progress
from stack.data.clients import Clients
from stack.data.errors import BackupDamaged
from stack.data.guard import Location
from stack.data.keys import Row
from stack.data.manifest import Manifest
from stack.data.stores import Server
from stack.errors import CommandFailed
from stack.system import pipelines
from stack.system.disk_space import disk_full, reports_full_disk

if TYPE_CHECKING:
    from psycopg2 import extensions


def read_keys(folder: Path, expected: Manifest, identity: Path | None) -> list[Row]:
    """Return Redis' keys of a backup.

    Raises:
        BackupSealed: they could not be decrypted.
    """
    packed = (folder / REDIS).read_bytes()
    if expected.encryption:
        packed = encryption.decrypted(packed, expected.encryption, identity)
    lines = gzip.decompress(packed).decode().splitlines()
    return [(b64decode(key), ttl, b64decode(value)) for key, ttl, value in map(json.loads, lines)]


def restore_copy(
    folder: Path,
    expected: Manifest,
    server: Server,
    location: Location,
    clients: Clients,
    *,
    identity: Path | None,
    jobs: int,
    progress: Progress,
) -> str:
    """Restore a backup into a new scratch database, compare it with the manifest, and return its name.

    Raises:
        BackupDamaged: what was restored differs from what was backed up.
        DiskFull, CommandFailed: it could not be restored. No scratch database is left.
    """
    with postgres.session(server) as cursor:
        scratch = template.copy(cursor, server, "template0", kind="scratch", notes={})
        postgres.allow_connections(cursor, scratch, True)
    target = replace(server, database=scratch)
    with template.dropped_on_failure(server, scratch):
        _load(folder, expected, target, location, clients, identity=identity, jobs=jobs, progress=progress)
        with postgres.session(target, scratch) as cursor:
            _require_same(folder / DATABASE, expected, cursor)
            cursor.execute("ANALYZE")
    return scratch


def _load(
    folder: Path,
    expected: Manifest,
    target: Server,
    location: Location,
    clients: Clients,
    *,
    identity: Path | None,
    jobs: int,
    progress: Progress,
) -> None:
    path = folder / DATABASE
    decrypt = [encryption.decrypt_command(expected.encryption, identity)] if expected.encryption else []
    command = clients.restore(target.database, jobs=1 if decrypt else jobs, file=path)
    with path.open("rb") as file:
        try:
            with room.explained(target, location):
                pipelines.pipeline(
                    [*decrypt, command],
                    env=clients.environment,
                    source=file.fileno(),
                    timeout_s=LIMIT_S,
                    meanwhile=lambda: progress(
                        "restoring", min(os.lseek(file.fileno(), 0, os.SEEK_CUR), _size(path))
                    ),
                )
        except CommandFailed as error:
            if reports_full_disk(error.output):
                raise disk_full(Path("the database")) from error
            cause = (error.output.strip().splitlines() or [str(error)])[-1]
            raise BackupDamaged(
                f"{path} cannot be restored: {cause}.",
                hint="Nothing was changed. Use another backup.",
            ) from error
    progress("restored", _size(path))


def _size(path: Path) -> int:
    return path.stat().st_size


def _require_same(path: Path, expected: Manifest, cursor: extensions.cursor) -> None:
    counted, migrations = rows.count(cursor), tuple(rows.migrations(cursor))
    for table in sorted(expected.rows.keys() | counted.keys()):
        if expected.rows.get(table) != counted.get(table):
            raise BackupDamaged(
                f"{path} restores {counted.get(table)} rows of {table}; "
                f"{expected.rows.get(table)} were backed up.",
                hint="Nothing was changed. Use another backup.",
            )
    if migrations != expected.migrations:
        raise BackupDamaged(
            f"{path} brings other migrations than were backed up.", hint="Use another backup."
        )
