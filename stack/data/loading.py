"""Load a backup into a database of its own, and compare what came with what the manifest counted."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from base64 import b64decode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stack.data import encryption, postgres, roles, room, rows, template
from stack.data.backup import DATABASE, LIMIT_S, REDIS, Progress
from stack.data.clients import Clients
from stack.data.errors import BackupDamaged
from stack.data.guard import Location
from stack.data.keys import Row
from stack.data.lock import Say
from stack.data.manifest import Manifest
from stack.data.stores import Server
from stack.errors import CommandFailed, StackError
from stack.system import pipelines
from stack.system.disk_space import disk_full, reports_full_disk

if TYPE_CHECKING:
    from psycopg2 import extensions

HAS_STATISTICS = "SELECT EXISTS (SELECT 1 FROM pg_stats WHERE schemaname = 'public')"
JOBS_AT_MOST = 8
"""So many processes restore side by side unless more are asked for: each holds a session of the server."""

PAUSE_S = 0.5
"""How often the size of a database that is being restored is reported."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A backup to load: its folder, the programs that read it, and the file of the key that decrypts it.

    ``jobs`` is how many processes load side by side, None for as many as can.
    """

    folder: Path
    clients: Clients
    identity: Path | None = None
    jobs: int | None = None


def read_keys(source: Source, expected: Manifest) -> list[Row]:
    """Return Redis' keys of a backup.

    Raises:
        BackupSealed: they could not be decrypted.
    """
    packed = (source.folder / REDIS).read_bytes()
    if expected.encryption:
        packed = encryption.decrypted(packed, expected.encryption, source.identity)
    lines = gzip.decompress(packed).decode().splitlines()
    return [
        Row(b64decode(key), ttl_ms, b64decode(value), *database)
        for key, ttl_ms, value, *database in map(json.loads, lines)
    ]


def restore_copy(
    source: Source, expected: Manifest, server: Server, location: Location, *, progress: Progress, say: Say
) -> str:
    """Restore a backup into a new scratch database, compare it with the manifest, and return its name.

    Raises:
        BackupDamaged: what was restored differs from what was backed up.
        DiskFull, CommandFailed: it could not be restored. No scratch database is left.
    """
    with postgres.session(server) as cursor:
        scratch = template.copy(cursor, server, None, kind="scratch", notes={})
        postgres.allow_connections(cursor, scratch, allowed=True)
        options = roles.restore_options(cursor, expected, user=server.user, say=say)
    target = replace(server, database=scratch)
    with template.dropped_on_failure(server, scratch):
        jobs = possible_jobs(expected, source.jobs, say=say)
        command = source.clients.restore(scratch, options=options, jobs=jobs, file=source.folder / DATABASE)
        _load(source, expected.encryption, command, target, location, progress)
        with postgres.session(target, scratch) as cursor:
            _require_same(source.folder / DATABASE, expected, cursor)
    return scratch


def analyze(server: Server) -> None:
    """Give the database in use the statistics that the planner needs, where it has none: a dump has none.

    It takes half as long as the restore itself, so nobody waits for it.
    """
    with postgres.session(server, server.database) as cursor:
        cursor.execute(HAS_STATISTICS)
        row = cursor.fetchone()
        if row is not None and not row[0]:
            rows.analyze(cursor)


def possible_jobs(expected: Manifest, jobs: int | None, *, say: Say) -> int:
    """Return how many processes can restore side by side (default: one a processor); say why it is only one.

    Several must each open the dump as a file, and nothing that was encrypted is written to one.
    """
    if not expected.encryption:
        return jobs or min(JOBS_AT_MOST, os.cpu_count() or 1)
    if jobs is not None and jobs > 1:
        say(f"the backup is encrypted: one process restores, not {jobs}")
    return 1


def _load(
    source: Source, sealed: str, command: list[str], target: Server, location: Location, progress: Progress
) -> None:
    path = source.folder / DATABASE
    decrypt = [encryption.decrypt_command(sealed, source.identity)] if sealed else []
    progress("restoring", 0)
    with path.open("rb") as file:
        try:
            with room.explained(target, location):
                pipelines.pipeline(
                    [*decrypt, command],
                    env=source.clients.environment,
                    source=file.fileno(),
                    timeout_s=LIMIT_S,
                    meanwhile=lambda: _report(target, progress),
                    pause_s=PAUSE_S,
                )
        except CommandFailed as error:
            if reports_full_disk(error.output):
                raise disk_full(Path("the database")) from error
            lines = error.output.strip().splitlines() or [str(error)]
            cause = next((line for line in lines if "error:" in line), lines[-1])  # its command may follow
            raise BackupDamaged(
                f"{path} cannot be restored: {cause}.",
                hint="Nothing was changed. Use another backup.",
            ) from error


def _report(target: Server, progress: Progress) -> None:
    """Report how large the new database is; where the server ended, pg_restore says so itself."""
    with contextlib.suppress(StackError), postgres.session(target, target.database) as cursor:
        progress("restoring", rows.size_bytes(cursor))


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
