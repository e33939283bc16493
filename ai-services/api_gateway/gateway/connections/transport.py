"""The transport that Uvicorn writes to: it replaces Uvicorn's own error pages and closes in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

FLUSH_S = 10.0
"""How long a closed connection may take to send the rest of its response."""
LINGER_S = 2.0
"""How long input is discarded after a close, so that no reset destroys the response on its way."""


class Response(Enum):
    """How far the application's response has been written."""

    NONE = auto()
    STARTED = auto()
    ENDING = auto()


class GuardedTransport(asyncio.Transport):
    """Passes everything on to the socket's transport.

    What Uvicorn writes before the application has started a response is Uvicorn's own error page, in plain
    text: ``on_refusal`` is called with its status in its place.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        *,
        on_refusal: Callable[[int], None],
    ) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._on_refusal = on_refusal
        self._closed = False
        self._abort: asyncio.TimerHandle | None = None
        self.linger = False
        self.response = Response.NONE

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send what belongs to a response of the application, and 100 Continue."""
        if self._closed:
            return
        if self._is_error_page(start := bytes(data[:13])):
            self._on_refusal(int(start[9:12]))
        else:
            self._transport.write(data)

    def _is_error_page(self, start: bytes) -> bool:
        if self.response is Response.NONE:
            return not start.startswith(b"HTTP/1.1 100 ")
        # The next request on the connection is parsed while the last part of this response is sent.
        return self.response is Response.ENDING and start.startswith(b"HTTP/1.1 400 ")

    def finish_with(self, response: bytes) -> None:
        """Send a last response and close; input is discarded for a while (RFC 9112, 9.6)."""
        if not self._closed:
            self._transport.write(response)
            self.linger = True
            self.close()

    def close(self) -> None:
        """Close once everything is sent; a client that does not read is cut off after a deadline."""
        if self._closed:
            return
        self._closed = True
        if self.linger and self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.resume_reading()
            self._transport.write_eof()
            self._abort = self._loop.call_later(LINGER_S, self._transport.abort)
        else:
            self._transport.close()
            self._abort = self._loop.call_later(FLUSH_S, self._transport.abort)

    def abort(self) -> None:
        """Close at once; what is not sent is lost."""
        self._closed = True
        self._transport.abort()

    def connection_lost(self) -> None:
        """Stop the deadline of a close."""
        self._closed = True
        if self._abort is not None:
            self._abort.cancel()

    def is_closing(self) -> bool:
        """Return whether nothing more is sent."""
        return self._closed or self._transport.is_closing()

    def pause_reading(self) -> None:
        """Stop reading from the client."""
        if not self._closed:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Continue to read from the client."""
        if not self._closed:
            self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known about the socket."""
        return self._transport.get_extra_info(name, default)
