"""Sockets of the network between the services, made ahead of the connections that need them.

A socket keeps the network of the thread that made it (network_namespaces(7)). To wait for that thread at
every connection costs more than the connection itself, so it makes many at once.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque

from stack.system import network_namespace

BATCH = 32


class BridgeSockets:
    """Unconnected, non-blocking TCP sockets of one network."""

    def __init__(self, network: int) -> None:
        self._thread = network_namespace.thread_inside(network)
        self._spares: deque[socket.socket] = deque()
        self._refill: asyncio.Task[None] | None = None

    async def take(self) -> socket.socket:
        """Return a new socket; the caller closes it."""
        while not self._spares:
            await asyncio.shield(self._start_refill())
        if len(self._spares) <= BATCH // 2:
            self._start_refill()
        return self._spares.popleft()

    async def close(self) -> None:
        """Close what was not taken."""
        if self._refill is not None:
            await asyncio.wait({self._refill})
        while self._spares:
            self._spares.pop().close()
        self._thread.shutdown(wait=False)

    def _start_refill(self) -> asyncio.Task[None]:
        if self._refill is None or self._refill.done():
            self._refill = asyncio.ensure_future(self._make_batch())
        return self._refill

    async def _make_batch(self) -> None:
        loop = asyncio.get_running_loop()
        self._spares += await loop.run_in_executor(self._thread, _new_sockets)


def _new_sockets() -> list[socket.socket]:
    made = [socket.socket() for _ in range(BATCH)]
    for connection in made:
        connection.setblocking(False)
    return made
