"""Asks a service for its metrics: one GET, bounded in time and in size."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

LIMIT_S = 2.0
LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Target:
    """A service and the address of its metrics."""

    name: str
    url: str


class NoAnswer(Exception):
    """A service did not give its metrics; the text says why."""


async def fetch(url: str, *, limit_s: float = LIMIT_S, limit_bytes: int = LIMIT_BYTES) -> str:
    """Return the text at ``url``.

    Raises:
        NoAnswer: there is none, within the limits.
    """
    try:
        async with asyncio.timeout(limit_s):
            return await _get(url, limit_bytes)
    except TimeoutError:
        raise NoAnswer(f"no answer within {limit_s:g} s") from None
    except ConnectionRefusedError:
        raise NoAnswer("connection refused") from None
    except OSError as error:
        raise NoAnswer(error.strerror or str(error)) from None
    except h11.RemoteProtocolError as error:
        raise NoAnswer(f"not an answer of an HTTP server ({error})") from None


async def _get(url: str, limit_bytes: int) -> str:
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        connection = h11.Connection(h11.CLIENT)
        fields = [("Host", split.netloc), ("Accept", "text/plain"), ("Connection", "close")]
        request = h11.Request(method="GET", target=split.path, headers=fields)
        writer.write(connection.send(request) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        return await _read(connection, reader, limit_bytes)
    finally:
        writer.transport.abort()  # a target that hangs is not waited for


async def _read(connection: h11.Connection, reader: asyncio.StreamReader, limit_bytes: int) -> str:
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(1 << 16))
        elif isinstance(event, h11.Response) and event.status_code != 200:
            raise NoAnswer(f"HTTP {event.status_code}")
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > limit_bytes:
                raise NoAnswer(f"more than {limit_bytes} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return body.decode(errors="replace")
