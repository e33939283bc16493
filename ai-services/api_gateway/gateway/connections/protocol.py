"""One client connection: Uvicorn's h11 protocol behind deadlines and limits.

Uvicorn's option ``http`` takes a protocol class. This one has no parser: it passes every byte to Uvicorn's
own protocol, and adds what that lacks: a deadline for idle connections and for the head of a request, a limit
on the bytes of one read, ``application/problem+json`` for invalid HTTP, and a close that lets the client read
the response although it is still sending (RFC 9112, 9.6).
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gateway import metrics
from gateway.connections.refusal import refusal, refusal_status
from gateway.connections.transport import GuardedTransport
from gateway.settings import Settings

SLICE_BYTES = 16 * 1024
"""h11 checks its limit between two reads: smaller reads make the limit sharper."""


class GuardedProtocol(asyncio.Protocol):
    """The connection as Uvicorn, and as ``connection`` in ``request.state``, as the application sees it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        settings: Settings = app_state["settings"]
        self._head_s = settings.head_s
        self._loop = _loop or asyncio.get_running_loop()
        self._server = H11Protocol(config, server_state, {**app_state, "connection": self}, self._loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._requests = 0  # with pipelining the next request may start before the last one has returned
        self._head_bytes = 0
        self._has_request_line = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline for the first request."""
        # uvloop's transport is none of asyncio's classes, but has all its methods.
        socket = cast(asyncio.Transport, transport)
        self.transport = GuardedTransport(socket, self._loop, on_refusal=self.refuse)
        self._server.connection_made(self.transport)
        metrics.CLIENTS.inc()
        self._start_deadline()

    def data_received(self, data: bytes) -> None:
        """Pass the bytes on in slices; after a refusal or a close they are discarded."""
        if not self._requests and self._deadline is None and not self.transport.is_closing():
            self._start_deadline()
        for start in range(0, len(data), SLICE_BYTES):
            if self.transport.is_closing():
                return
            piece = data[start : start + SLICE_BYTES]
            self._head_bytes += len(piece)
            self._has_request_line = self._has_request_line or b"\n" in piece
            self._server.data_received(piece)

    def eof_received(self) -> None:
        """Close: a client that has ended its side counts as disconnected."""
        self._server.eof_received()

    def pause_writing(self) -> None:
        """Let the application wait until the client has read."""
        self._server.pause_writing()

    def resume_writing(self) -> None:
        """Let the application continue."""
        self._server.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadline and end what is in progress."""
        metrics.CLIENTS.dec()
        self._stop_deadline()
        self.transport.connection_lost()
        self._server.connection_lost(exc)

    def request_started(self) -> None:
        """Record that the head of a request is complete: from now on the application keeps the deadlines."""
        self._requests += 1
        self._stop_deadline()

    def request_finished(self) -> None:
        """Record that the response is sent, or that there is none; Uvicorn's keep-alive timeout follows."""
        self._requests -= 1
        self._head_bytes, self._has_request_line = 0, False

    def refuse(self, status: int) -> None:
        """Respond with ``status`` and close; 400 is invalid HTTP, which may be a head that is too large."""
        if status == 400:
            status = refusal_status(
                self._head_bytes, has_request_line=self._has_request_line, in_body=self._requests > 0
            )
        self.transport.finish_with(refusal(status))

    def _start_deadline(self) -> None:
        self._deadline = self._loop.call_later(self._head_s, self._on_deadline)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        if self._head_bytes:
            self.refuse(408)
        else:
            self.transport.close()
