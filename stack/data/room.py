"""Whether the server's disk has room for another copy of a database, asked before the copy is begun.

A Postgres that cannot write its log ends; a command that would fill the disk is refused first. One that fills
it all the same, because others write meanwhile, fails as Postgres says, and what it made is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stack.data.guard import Location
from stack.data.stores import Server
from stack.errors import DiskFull

if TYPE_CHECKING:
    from psycopg2 import extensions

MIB = 1 << 20
SPARE_BYTES = 48 * MIB
"""Three segments of the write-ahead log, which grows while a database is copied."""


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
