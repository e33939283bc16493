"""How 64 clients that log in at once change what all others get.

Postgres, Redis and two workers, as in the local stack. Usage: python benchmarks/shop_login_storm.py [SECONDS]

The same load is measured without, with and without them again, in rounds. A client that is refused comes back
when `Retry-After` says. Before each round Redis is emptied: all clients have one address, whose limit a round
uses up, and in the next one no password would be hashed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import selectors
import socket
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway_load import ROOT, Connection, Load, Result

sys.path.insert(0, str(ROOT))

from stack.control import session
from stack.control.choice import Choice

CLIENTS = 64
ROUNDS = 4
RATE = 60.0
CONNECTIONS = 100
GOAL = 3.0
HEAD = (
    b"POST /api/v1/accounts/login HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


def main(seconds: float) -> None:
    """Print one line a measurement, and the ratio of the others' p99."""
    os.environ["DEBUG"] = "False"  # Django's DEBUG keeps every query
    with session.ephemeral_stack(Choice(kind="local", engine="local")) as kept:
        port = urlsplit(kept.endpoints["BACKEND_URL"]).port or 80
        redis = urlsplit(kept.endpoints["REDIS_URL"]).port or 6379
        load(port, 3)  # warm, but for logins
        ratios = []
        for _ in range(ROUNDS):
            forget_attempts(redis)
            ratios.append(measure(port, seconds))
    rounds = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"p99 of others {statistics.median(ratios):.2f} times that without (rounds: {rounds}; goal {GOAL})")


def forget_attempts(port: int) -> None:
    """Empty Redis."""
    with socket.create_connection(("127.0.0.1", port), 30) as link:
        link.sendall(b"FLUSHDB\r\n")
        assert link.recv(64) == b"+OK\r\n"


def measure(port: int, seconds: float) -> float:
    """Return how many times as long as without a storm the slowest percent of the others takes."""
    before = load(port, seconds / 2)
    with storm(port) as statuses:
        during = load(port, seconds)
    after = load(port, seconds / 2)
    show("without", before)
    show(f"with {CLIENTS} clients that log in ({statuses()})", during)
    show("without", after)
    return during.quantile(0.99) / ((before.quantile(0.99) + after.quantile(0.99)) / 2)


def load(port: int, seconds: float) -> Result:
    """Return what a steady load got."""
    return Load(port, limit=CONNECTIONS).open_loop(seconds, RATE)


def show(name: str, result: Result) -> None:
    """Print one line."""
    p50, p99 = (1000 * result.quantile(share) for share in (0.5, 0.99))
    print(f"{name}: {result.rate():.1f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms")


@contextmanager
def storm(port: int) -> Iterator[Callable[[], str]]:
    """Give a function that returns how many logins had which status (in a process of its own)."""
    stop = multiprocessing.Event()
    statuses: multiprocessing.Queue[str] = multiprocessing.Queue()
    process = multiprocessing.Process(target=_log_in_at_once, args=(port, stop, statuses))
    process.start()
    try:
        yield lambda: str(statuses.get())
    finally:
        stop.set()
        process.join()


@dataclass(kw_only=True)
class Client(Connection):
    """A client that logs in again and again; while it is told to wait, it waits until ``due_s``."""

    number: int
    attempts: int = 0
    due_s: float = 0.0
    is_waiting: bool = True

    def log_in(self) -> None:
        """Send the next attempt."""
        self.attempts += 1
        self.is_waiting = False
        email = f"nobody-{self.number}-{self.attempts}@example.com"
        body = json.dumps({"email": email, "password": "correct horse 9"}).encode()
        self.send(HEAD % len(body) + body)

    def finish(self) -> None:
        """Take the response: `Retry-After` says when the next attempt is due."""
        head = self.received.partition(b"\r\n\r\n")[0].lower()
        wait = head.partition(b"retry-after:")[2].partition(b"\r\n")[0]
        self.due_s, self.is_waiting = time.monotonic() + float(wait or 0), True


def _log_in_at_once(port: int, stop: Any, statuses: Any) -> None:
    """Run all clients in one thread: what they cost themselves must not count as the shop's."""
    seen: Counter[int] = Counter()
    with selectors.DefaultSelector() as selector:
        clients = []
        for number in range(CLIENTS):
            client = Client(link=socket.create_connection(("127.0.0.1", port), 30), number=number)
            selector.register(client.link, selectors.EVENT_READ, client)
            clients.append(client)
        while not stop.is_set():
            now = time.monotonic()
            for client in clients:
                if client.is_waiting and client.due_s <= now:
                    client.log_in()
            for key, _ in selector.select(0.02):
                if status := key.data.receive():
                    assert status > 0, "the backend closed a connection"
                    seen[status] += 1
                    key.data.finish()
        for client in clients:
            client.link.close()
    statuses.put(", ".join(f"{count} x {status}" for status, count in sorted(seen.items())))


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 20.0)
