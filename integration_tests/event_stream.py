"""The shop's events as a consumer reads them: Redis' stream, without a driver.

Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP 2).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

STREAM = "shop.events"
DEFAULT_URL = "redis://localhost:6379/0"
TIMEOUT_S = 10.0
BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Event:
    """One entry of the stream; ``position`` is where it lies, ``event_id`` what it is."""

    position: str
    event_id: str
    type: str
    aggregate: str
    payload: dict[str, Any]
    traceparent: str


@dataclass(frozen=True, kw_only=True)
class Redis:
    """One connection."""

    link: socket.socket
    answers: BinaryIO

    def call(self, *words: str) -> Any:
        """Return what Redis says to a command.

        Raises:
            RuntimeError: it says that there was an error.
        """
        parts = [word.encode() for word in words]
        framed = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self.link.sendall(b"*%d\r\n" % len(parts) + framed)
        return self._value()

    def _value(self) -> Any:
        line = self.answers.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"*":
            return [self._value() for _ in range(int(rest))]
        if kind == b"$":
            return self.answers.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
        return rest.decode()


@contextmanager
def redis() -> Iterator[Redis]:
    """Give a connection to the Redis that REDIS_URL names."""
    address = urlsplit(os.environ.get("REDIS_URL") or DEFAULT_URL)
    with (
        socket.create_connection((address.hostname, address.port or 6379), TIMEOUT_S) as link,
        link.makefile("rb") as answers,
    ):
        connection = Redis(link=link, answers=answers)
        if address.password:
            connection.call("AUTH", *filter(None, (address.username, unquote(address.password))))
        if address.path.strip("/"):
            connection.call("SELECT", address.path.strip("/"))
        yield connection


def end(connection: Redis) -> str:
    """Return the position of the last event."""
    last = connection.call("XREVRANGE", STREAM, "+", "-", "COUNT", "1")
    return str(last[0][0]) if last else "0-0"


def after(connection: Redis, position: str) -> Iterator[Event]:
    """Return the events that follow a position, as far as there are any now."""
    while entries := connection.call("XRANGE", STREAM, f"({position}", "+", "COUNT", str(BATCH)):
        for position, flat in entries:
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            yield Event(
                position=position,
                event_id=fields["event_id"],
                type=fields["type"],
                aggregate=fields["aggregate"],
                payload=json.loads(fields["payload"]),
                traceparent=fields["traceparent"],
            )
