"""What the gateway's benchmarks share: a client that costs little, and a shop of their own to measure."""

from __future__ import annotations

import selectors
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from abuse import services
from abuse.services import Process

PATH = "/api/v1/products?limit=20"
DRAIN_S = 5.0
CLIENTS = tuple(f"127.0.1.{number}" for number in range(1, 9))
"""Loopback addresses: each is a client of its own to the gateway."""


@contextmanager
def shop(**gateway_environment: str) -> Iterator[Process]:
    """Give a gateway in front of a backend on SQLite."""
    with tempfile.TemporaryDirectory(prefix="gateway-benchmark-") as folder:
        backend = services.backend(Path(folder))
        gateway = services.gateway(Path(folder), backend, **gateway_environment)
        try:
            backend.start()
            gateway.start()
            yield gateway
        finally:
            gateway.stop()
            backend.stop()


@dataclass(kw_only=True)
class Connection:
    """A kept connection with at most one request in progress."""

    link: socket.socket
    sent_at: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        """Send a request."""
        self.sent_at, self.received = time.perf_counter(), bytearray()
        self.link.sendall(request)

    def receive(self) -> int:
        """Return the status once the response is complete, 0 before, -1 where the connection was lost."""
        try:
            chunk = self.link.recv(262144)
        except OSError:
            chunk = b""
        if not chunk:
            return -1
        self.received += chunk
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return 0
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        return int(head[9:12]) if len(body) >= int(length) else 0


@dataclass(kw_only=True)
class Result:
    """Responses by status (-1: the connection was lost): the seconds each took, and those of the whole run.

    ``unanswered`` requests were still in progress at the end.
    """

    seconds: float
    taken_s: dict[int, list[float]]
    without_retry_after: int = 0
    unanswered: int = 0

    def rate(self, status: int = 200) -> float:
        """Return responses a second."""
        return len(self.taken_s.get(status, ())) / self.seconds

    def quantile(self, share: float, status: int = 200) -> float:
        """Return the time in seconds within which ``share`` of the responses came."""
        taken = sorted(self.taken_s.get(status, ())) or [0.0]
        return taken[min(len(taken) - 1, int(len(taken) * share))]


class Load:
    """Requests over many connections, from one thread."""

    def __init__(self, port: int, *, limit: int, path: str = PATH) -> None:
        self._port, self._limit = port, limit
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._selector = selectors.DefaultSelector()
        self._idle: deque[Connection] = deque()
        self._open = 0
        self.result = Result(seconds=0.0, taken_s={})

    def closed_loop(self, seconds: float) -> Result:
        """Keep every connection busy."""
        for _ in range(self._limit):
            self._send()
        return self._run(seconds, lambda _: len(self._idle))

    def open_loop(self, seconds: float, rate: float) -> Result:
        """Send ``rate`` requests a second, whether or not earlier ones have a response."""
        sent = 0

        def due(elapsed_s: float) -> int:
            nonlocal sent
            count = int(elapsed_s * rate) - sent
            sent += count
            return count

        return self._run(seconds, due)

    def _run(self, seconds: float, due: Callable[[float], int]) -> Result:
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            for _ in range(due(elapsed)):
                self._send()
            for key, _ in self._selector.select(0.001):
                self._receive(key.data)
        self.result.seconds = time.perf_counter() - started
        self._drain()
        for key in list(self._selector.get_map().values()):
            key.data.link.close()
        self._selector.close()
        return self.result

    def _drain(self) -> None:
        """Wait for what is in progress; its responses count as well."""
        deadline = time.perf_counter() + DRAIN_S
        while len(self._idle) < self._open and time.perf_counter() < deadline:
            for key, _ in self._selector.select(0.05):
                self._receive(key.data)
        self.result.unanswered = self._open - len(self._idle)

    def _send(self) -> None:
        if not self._idle:
            if self._open >= self._limit:
                return  # the load generator's own bound, not the gateway's
            source = CLIENTS[self._open % len(CLIENTS)]
            link = socket.create_connection(("127.0.0.1", self._port), 30, source_address=(source, 0))
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(link=link)
            self._selector.register(link, selectors.EVENT_READ, connection)
            self._open += 1
        else:
            connection = self._idle.popleft()
        connection.send(self._request)

    def _receive(self, connection: Connection) -> None:
        status = connection.receive()
        if status == 0:
            return
        self.result.taken_s.setdefault(status, []).append(time.perf_counter() - connection.sent_at)
        if status == 503 and b"\r\nretry-after:" not in connection.received:
            self.result.without_retry_after += 1
        if status > 0:
            self._idle.append(connection)
        else:
            self._selector.unregister(connection.link)
            connection.link.close()
            self._open -= 1
