"""How 64 clients that log in at once change what all others get.

Postgres, Redis and two workers, as in the local stack. Usage: python benchmarks/shop_login_storm.py [SECONDS]

The same load is measured without, with and without them again, in rounds. A client that is refused comes back
when `Retry-After` says.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import statistics
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from gateway_load import ROOT, Load, Result

sys.path.insert(0, str(ROOT))

from stack.control import session
from stack.control.choice import Choice

CLIENTS = 64
ROUNDS = 3
RATE = 60.0
CONNECTIONS = 100
GOAL = 3.0


def main(seconds: float) -> None:
    """Print one line a measurement, and the ratio of the others' p99."""
    os.environ["DEBUG"] = "False"  # Django's DEBUG keeps every query
    ratios = []
    with session.ephemeral_stack(Choice(kind="local", engine="local")) as kept:
        port = urlsplit(kept.endpoints["BACKEND_URL"]).port or 80
        load(port, 3)  # warm
        for _ in range(ROUNDS):
            before = load(port, seconds / 2)
            with storm(port) as statuses:
                during = load(port, seconds)
            after = load(port, seconds / 2)
            without_s = (before.quantile(0.99) + after.quantile(0.99)) / 2
            ratios.append(during.quantile(0.99) / without_s)
            show("without", before)
            show(f"with {CLIENTS} clients that log in ({statuses()})", during)
            show("without", after)
    rounds = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"p99 of others {statistics.median(ratios):.2f} times that without (rounds: {rounds}; goal {GOAL})")


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
    stop, statuses = multiprocessing.Event(), multiprocessing.Queue()
    process = multiprocessing.Process(target=_log_in_at_once, args=(port, stop, statuses))
    process.start()
    try:
        yield lambda: str(statuses.get())
    finally:
        stop.set()
        process.join()


def _log_in_at_once(port: int, stop: Any, statuses: Any) -> None:
    seen: Counter[int] = Counter()
    threads = [threading.Thread(target=_log_in, args=(port, n, stop, seen)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses.put(", ".join(f"{count} x {status}" for status, count in sorted(seen.items())))


def _log_in(port: int, number: int, stop: Any, seen: Counter[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    attempts = 0
    while not stop.is_set():
        attempts += 1
        body = json.dumps({"email": f"nobody-{number}-{attempts}@example.com", "password": "correct horse 9"})
        connection.request("POST", "/api/v1/accounts/login", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        seen[response.status] += 1
        if wait := response.headers.get("Retry-After"):
            stop.wait(float(wait))
    connection.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 20.0)
