"""Backups: a stack's Postgres and Redis data in a folder that can leave the machine.

The folder gets its name when it is whole (``stack.data.new_folder``): what was cut short is no backup.
Postgres is dumped by the client of the server's own major version (see ``stack.data.clients``), compressed:
of 100 flipped bits `pg_restore` noticed 100, of an uncompressed dump a third. The rows are counted in the
very snapshot that is dumped. Verifying compares every file with its SHA-256, restores into a scratch database
and compares rows and migrations.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stack.data import encryption, guard, keys, manifest, postgres, roles, rows
from stack.data.clients import Clients
from stack.data.encryption import Encryption
from stack.data.guard import LiveData
from stack.data.keys import Row
from stack.data.manifest import Manifest
from stack.data.new_folder import new_folder
from stack.data.stores import Server
from stack.errors import CommandFailed, StackError
from stack.system import pipelines
from stack.system.disk_space import disk_full, reports_full_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2 import extensions

DATABASE, REDIS = "database.dump", "redis.json.gz"
FILES = frozenset({DATABASE, REDIS, manifest.FILE})
LIMIT_S = 24 * 3600.0
"""The longest that a dump or a restore may take."""

Progress = Callable[[str, int], None]
"""Takes what is being done and how many bytes that has read or written so far."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a backup says about the stack that it is made of."""

    project: str
    version: str


def write(
    path: Path,
    live: LiveData,
    clients: Clients,
    origin: Origin,
    *,
    encrypt: Encryption | None,
    progress: Progress,
) -> Manifest:
    """Write a backup of the stack to the new folder ``path``.

    Raises:
        NotDisposable: the guard refuses.
        NotWritable: the path exists, or may not be written.
        DiskFull, CommandFailed: there is no room, or the dump failed; no folder is left.
    """
    with new_folder(path, files=FILES) as folder:
        with (
            _exported_snapshot(live) as (cursor, moment),
            ThreadPoolExecutor(1) as beside,
        ):
            counting = beside.submit(_describe, cursor, live.server, origin, encrypt)  # while pg_dump works
            held = keys.read(live.redis)
            with _ended_on_failure(live.server, counting):
                _dump(folder / DATABASE, clients.dump(moment), clients, encrypt, progress)
            contents = counting.result()
        _write_keys(folder / REDIS, held, encrypt)
        files = {file.name: manifest.describe(file) for file in sorted(folder.iterdir())}
        contents = _with_contents(contents, files=files, redis_keys=len(held))
        manifest.write(folder, contents)
    return contents


def _describe(
    cursor: extensions.cursor, server: Server, origin: Origin, encrypt: Encryption | None
) -> Manifest:
    """Return what a backup says about the database of ``cursor``; its files are not written yet."""
    return Manifest(
        format=manifest.FORMAT,
        project=origin.project,
        stack=server.stack,
        version=origin.version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        postgres=postgres.major_version(cursor),
        migrations=tuple(rows.migrations(cursor)),
        rows=rows.count(cursor),
        database_bytes=rows.size_bytes(cursor),
        redis_keys=0,
        encryption=encrypt.program if encrypt is not None else "",
        files={},
        owners=roles.owners(cursor),
        grantees=roles.grantees(cursor),
    )


def _with_contents(contents: Manifest, *, files: dict[str, manifest.File], redis_keys: int) -> Manifest:
    import msgspec

    return msgspec.structs.replace(contents, files=files, redis_keys=redis_keys)


@contextmanager
def _exported_snapshot(live: LiveData) -> Iterator[tuple[extensions.cursor, str]]:
    """Give a cursor that sees the database of one moment, and the name by which pg_dump sees the same."""
    server = live.server
    with postgres.session(server, server.database) as cursor:
        guard.require_disposable(cursor, server, live.location)
        postgres.end_programs(cursor, server)  # of a command that was killed
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        row = cursor.fetchone()
        assert row is not None
        yield cursor, row[0]
        cursor.execute("COMMIT")


@contextmanager
def _ended_on_failure(server: Server, counting: Future[Manifest]) -> Iterator[None]:
    """End pg_dump where the block fails: in a container it goes on without its command.

    Where ``counting`` failed, too, that is raised: it ended the transaction whose snapshot is dumped.
    """
    try:
        yield
    except BaseException as error:
        with suppress(StackError), postgres.session(server) as cursor:
            postgres.end_programs(cursor, server)
        if isinstance(error, CommandFailed):
            counting.result()
        raise


def _dump(
    path: Path, command: list[str], clients: Clients, encrypt: Encryption | None, progress: Progress
) -> None:
    progress("dumping", 0)
    commands = [command, *([encrypt.command()] if encrypt is not None else [])]
    with path.open("wb") as file:
        try:
            pipelines.pipeline(
                commands,
                env=clients.environment,
                target=file.fileno(),
                timeout_s=LIMIT_S,
                meanwhile=lambda: progress("dumping", path.stat().st_size),
            )
        except CommandFailed as error:
            raise disk_full(path.parent) if reports_full_disk(error.output) else error from error
    progress("dumped", path.stat().st_size)


def _write_keys(path: Path, held: list[Row], encrypt: Encryption | None) -> None:
    lines = (
        json.dumps([b64encode(key).decode(), ttl_ms, b64encode(value).decode(), database])
        for key, ttl_ms, value, database in held
    )
    packed = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
    path.write_bytes(encryption.encrypted(packed, encrypt) if encrypt is not None else packed)
