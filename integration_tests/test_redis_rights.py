"""Redis gives whoever reaches its port the data, and neither files, other servers nor itself."""

from __future__ import annotations

import pytest

from event_stream import redis


@pytest.mark.parametrize(
    "command",
    [
        ("CONFIG", "SET", "maxmemory", "1mb"),
        ("CONFIG", "REWRITE"),
        ("SAVE",),
        ("REPLICAOF", "NO", "ONE"),
        ("MIGRATE", "localhost", "1", "key", "0", "1"),
        ("MODULE", "LIST"),
        ("DEBUG", "OBJECT", "key"),
        ("ACL", "SETUSER", "default", "+@all"),
        ("SHUTDOWN",),
    ],
    ids=" ".join,
)
def test_a_command_that_reaches_beyond_the_data_is_refused(command: tuple[str, ...]) -> None:
    with redis() as connection, pytest.raises(RuntimeError, match=r"NOPERM|not allowed"):
        connection.call(*command)


@pytest.mark.parametrize(
    "command", [("PING",), ("CONFIG", "GET", "maxmemory"), ("SLOWLOG", "LEN")], ids=" ".join
)
def test_a_command_that_reads_is_answered(command: tuple[str, ...]) -> None:
    with redis() as connection:
        assert connection.call(*command) is not None
