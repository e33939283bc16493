"""The network of one service: connections from inside, and its published ports."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from stack.engines.local.forwarding import Forwarding
from stack.system import network_namespace
from stack.system.network_namespace import Namespaces

LOCALHOST: Final = ("127.0.0.1", "::1")
CONNECT_LIMIT_S: Final = 5.0


class ServiceNetwork:
    """The network of one service; without an ``address`` (``network_mode: none``) it has no cable."""

    def __init__(self, address: str, namespaces: Namespaces, forwarding: Forwarding) -> None:
        self.address, self.namespaces, self._forwarding = address, namespaces, forwarding
        self._thread: ThreadPoolExecutor | None = None
        self._published: list[socket.socket] = []

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection from inside: ``localhost`` is the service itself.

        Raises:
            OSError: nothing listens there.
        """
        if self._thread is None:
            self._thread = network_namespace.thread_inside(self.namespaces.network)
        loop = asyncio.get_running_loop()
        connection = await loop.run_in_executor(self._thread, _connect, host, port)
        connection.setblocking(False)
        return await asyncio.open_connection(sock=connection)

    def publish(self, ports: Iterable[tuple[int, int]]) -> None:
        """Forward ports of this machine; each is given as (container port, port of this machine).

        Raises:
            PortTaken: another program listens on one of them.
        """
        for target, port in ports if self.address else ():
            self._published.append(self._forwarding.publish(port, (self.address, target)))

    def shared(self) -> ServiceNetwork:
        """Return the same network for another service, which has published ports of its own."""
        return ServiceNetwork(self.address, self.namespaces.copy(), self._forwarding)

    def withdraw(self) -> None:
        """Close the published ports."""
        while self._published:
            self._forwarding.withdraw(self._published.pop())

    def close(self) -> None:
        """Release the network; it vanishes with its last process."""
        self.withdraw()
        if self._thread is not None:
            self._thread.shutdown(wait=False)
        self.namespaces.close()


def _connect(host: str, port: int) -> socket.socket:
    """Open a connection; ``localhost`` is both addresses, whatever this machine's file of names says."""
    *others, last = LOCALHOST if host == "localhost" else (host,)
    for address in others:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection((address, port), CONNECT_LIMIT_S)
    return socket.create_connection((last, port), CONNECT_LIMIT_S)
