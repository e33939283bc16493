"""Published ports: connections to a port of this machine are handed on to a service in its own network."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import cast

from stack.errors import PortTaken
from stack.system import ports

Open = Callable[[], Awaitable[socket.socket]]
"""Opens a connection to the service."""

CONNECT_LIMIT_S = 10.0


class End(asyncio.Protocol):
    """One end of a connection that is handed on: what it receives is sent to the other end."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None
        self._early = bytearray()
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.pause_reading()

    def join(self, other: End) -> None:
        """Connect two ends, and let both flow."""
        self.other, other.other = other, self
        for end in (self, other):
            end.data_received(bytes(end._early))
            end._early.clear()
            if end._ended:
                end.eof_received()
            if end.transport is not None:
                end.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.other is None or self.other.transport is None:
            self._early += data  # pausing in connection_made has no effect before Python 3.11.4
        elif data:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end on, and close the connection once both sides have ended."""
        self._ended = True
        if self.other is None or self.other.transport is None:
            return True
        with contextlib.suppress(OSError):
            self.other.transport.write_eof()
        if self.other._ended:
            self.other.transport.close()
        return not self.other._ended

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.abort() if error else self.other.transport.close()


class Caller(End):
    """The end that called."""

    def __init__(self, open_connection: Open) -> None:
        super().__init__()
        self._open = open_connection
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._task = asyncio.ensure_future(self._call())

    async def _call(self) -> None:
        assert self.transport is not None
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                connection = await self._open()
        except (OSError, TimeoutError):
            _reset(self.transport)
            return
        _, end = await asyncio.get_running_loop().create_connection(End, sock=connection)
        if self.transport.is_closing():
            assert end.transport is not None
            end.transport.close()
        else:
            self.join(end)


def _reset(transport: asyncio.Transport) -> None:
    """Cut a connection so that the caller sees a reset rather than an empty answer (SO_LINGER, socket(7))."""
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()


async def forward(host: str, port: int, open_connection: Open) -> asyncio.Server:
    """Listen on ``host:port`` and hand every connection on to what ``open_connection`` connects to.

    Raises:
        PortTaken: another program listens there.
    """
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(lambda: Caller(open_connection), host, port, backlog=1024)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(
            f"Port {port} is held by {ports.holder(port)}.", hint="End that program, or start again."
        ) from error
