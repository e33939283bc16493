from __future__ import annotations

from typing import Any

import pytest

from stack.data import room
from stack.data.guard import Location
from stack.data.stores import Server
from stack.errors import DiskFull

SERVER = Server(stack="shop", service="db", port=20001, user="u", password="p", database="shop")
MIB = 1 << 20


class SizeCursor:
    """Says how big every database is."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes

    def execute(self, query: str, words: tuple[str, ...]) -> None:
        assert "pg_database_size" in query

    def fetchone(self) -> tuple[int]:
        return (self.size_bytes,)


def require(size_bytes: int, free_bytes: int | None) -> None:
    cursor: Any = SizeCursor(size_bytes)
    room.require(cursor, SERVER, Location(free_bytes=lambda: free_bytes))


def test_a_copy_is_refused_that_its_disk_has_no_room_for_with_both_sizes() -> None:
    with pytest.raises(DiskFull, match="it takes 68 MiB, and 67 MiB are free") as caught:
        require(10 * MIB, 67 * MIB)
    assert "Nothing was changed" in caught.value.hint


def test_a_copy_is_begun_where_there_is_room_or_the_room_is_not_known() -> None:
    require(10 * MIB, 68 * MIB)
    require(10 * MIB, None)
