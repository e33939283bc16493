"""Ports of this machine: which are free, and who listens on the others."""

from __future__ import annotations

import contextlib
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

FIRST, LAST = 20000, 31999
"""Below Linux' ephemeral range (32768-60999), so that no outgoing connection takes one."""

UNSEEN = "a process that this user may not see"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def candidates(seed: str) -> Iterator[int]:
    """Return every port of the range, from a place that depends on ``seed``, so that stacks spread."""
    span = LAST - FIRST + 1
    start = zlib.crc32(seed.encode())
    return (FIRST + (start + step) % span for step in range(span))


def holder(port: int) -> str:
    """Return who listens on ``port``: pid and command, as far as this user may see."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and getattr(connection.laddr, "port", None) == port
                and connection.pid
            ):
                with contextlib.suppress(psutil.Error):
                    return f"pid {connection.pid} ({_command_line(psutil.Process(connection.pid).cmdline())})"
    except psutil.AccessDenied:
        return UNSEEN
    return UNSEEN


def _command_line(words: list[str]) -> str:
    """The beginning of a command, the programs in it without their folders."""
    return " ".join([*(Path(word).name for word in words[:2]), *words[2:]])[:80].rstrip()
