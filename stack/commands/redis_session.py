"""A small Redis client for machines without redis-cli: commands in, replies as redis-cli prints them.

The protocol is RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
"""

from __future__ import annotations

import contextlib
import shlex
import socket
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import BinaryIO, Self

from stack.errors import ServiceFailed

TIMEOUT_S = 5.0
Reply = str | int | None | Exception | list["Reply"]


class ErrorReply(Exception):
    """The server refused a command."""


class RedisSession:
    """A connection to one Redis server."""

    def __init__(self, host: str, port: int) -> None:
        self.address = f"{host}:{port}"
        self._socket = socket.create_connection((host, port), timeout=TIMEOUT_S)
        self._replies: BinaryIO = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._replies.close()
        self._socket.close()

    def send(self, words: Sequence[str]) -> Reply:
        """Send one command and return its reply.

        Raises:
            ServiceFailed: the server closed the connection.
            TimeoutError: it did not reply in time.
        """
        parts = [word.encode() for word in words]
        self._socket.sendall(
            b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        )
        return self._read()

    def _read(self) -> Reply:
        line = self._complete(self._replies.readline())
        kind, text = line[:1], line[1:-2].decode(errors="replace")
        match kind:
            case b"-":
                return ErrorReply(text)
            case b":":
                return int(text)
            case b"$":
                return None if text == "-1" else self._bulk(int(text))
            case b"*":
                return None if text == "-1" else [self._read() for _ in range(int(text))]
            case _:
                return text

    def _bulk(self, size: int) -> str:
        return repr_bulk(self._complete(self._replies.read(size + 2))[:-2])

    def _complete(self, data: bytes) -> bytes:
        if not data.endswith(b"\r\n"):
            raise ServiceFailed(f"Redis at {self.address} closed the connection.", hint="See `inv ps`.")
        return data


def repr_bulk(data: bytes) -> str:
    """Return a bulk string in quotation marks, as redis-cli prints it."""
    text = data.decode(errors="backslashreplace").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def format_reply(reply: Reply, indent: str = "") -> str:
    """Return a reply as redis-cli prints it on a terminal."""
    if isinstance(reply, list):
        rows: list[str] = []
        for number, item in enumerate(reply, 1):
            label = f"{number}) "
            rows.append((indent if rows else "") + label + format_reply(item, indent + " " * len(label)))
        return "\n".join(rows) or "(empty array)"
    if reply is None:
        return "(nil)"
    if isinstance(reply, ErrorReply):
        return f"(error) {reply}"
    return f"(integer) {reply}" if isinstance(reply, int) else str(reply)


def run_command(session: RedisSession, words: Sequence[str], say: Callable[[str], None]) -> int:
    """Run one command, print its reply and return the exit code."""
    reply = session.send(words)
    say(format_reply(reply))
    return 1 if isinstance(reply, ErrorReply) else 0


def interact(session: RedisSession, say: Callable[[str], None]) -> int:
    """Read commands from the terminal and print their replies, until `quit` or the end of the input."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - line editing and history for input()
    prompt = f"{session.address}> " if sys.stdin.isatty() else ""
    while True:
        try:
            words = shlex.split(input(prompt))
        except ValueError as error:
            say(f"(error) {error}")
            continue
        except EOFError:
            return 0
        if words and words[0].lower() in {"quit", "exit"}:
            return 0
        if words:
            run_command(session, words, say)
