"""Whether the server's disk has room for another copy of a database, asked before the copy is begun.

A Postgres that cannot write its log ends; a command that would fill the disk is refused first. One that fills
it all the same, because others write meanwhile, fails as Postgres says, and what it made is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stack.data.guard import Location
from stack.data.stores import Server
from stack.errors import CommandFailed, DiskFull, ServiceFailed

if TYPE_CHECKING:
    from psycopg2 import extensions

MIB = 1 << 20
SPARE_BYTES = 48 * MIB
"""Three segments of the write-ahead log, which grows while a database is copied."""


LOG_SEGMENT_BYTES = 16 * MIB
"""One file of the write-ahead log: a server that cannot make the next one ends."""

ROW_BYTES = 3000
"""About what a product or an order takes, with its lines and its indexes."""


@contextmanager
def explained(server: Server, location: Location) -> Iterator[None]:
    """Name the full disk where the server ended of it, or a program of it failed.

    Raises:
        DiskFull: in place of what they said.
    """
    try:
        yield
    except (ServiceFailed, CommandFailed) as error:
        free_bytes = location.free_bytes()
        if free_bytes is None or free_bytes >= LOG_SEGMENT_BYTES:
            raise
        raise DiskFull(
            f"There is no room left for the data of {server.stack}: {free_bytes // MIB} MiB are free.",
            hint=f"Free some space. Where `inv ps` shows that {server.service} exited: "
            f"`inv start {server.service}`.",
        ) from error


def require(
    cursor: extensions.cursor, server: Server, location: Location, *, database: str = "", size_bytes: int = 0
) -> None:
    """Check that there is room for a copy of ``database`` (default: the one in use), or for so many bytes.

    Raises:
        DiskFull: there is not; nothing was changed.
    """
    free_bytes = location.free_bytes()
    if free_bytes is None:
        return
    if not size_bytes:
        cursor.execute("SELECT pg_database_size(%s)", (database or server.database,))
        row = cursor.fetchone()
        size_bytes = row[0] if row is not None else 0
    needed = 2 * size_bytes + SPARE_BYTES  # every page is written to the log, too
    if free_bytes < needed:
        raise DiskFull(
            f"There is no room left for a copy of the data of {server.stack}: "
            f"it takes {needed // MIB} MiB, and {free_bytes // MIB} MiB are free.",
            hint="Nothing was changed. Free some space, delete a snapshot, or run `inv prune`.",
        )
