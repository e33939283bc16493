"""Gunicorn is reloaded under load: every request that was sent is answered."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

from crashes.conftest import LONG
from crashes.customers import ANSWERED_WITHIN_S, NoResponse, ask
from crashes.web import Web
from unprotected.protection import Cut, protected_by

GUNICORN = "backend/gunicorn.conf.py"

RELOADS = 200 if LONG else 5
NEW_CONNECTIONS, KEPT_CONNECTIONS = 6, 6
"""Clients with a new connection for each request, and clients with one connection each."""
PATHS = ("/health/", "/health/", "/health/ready/", "/api/v1/categories")
PAUSE_S = 0.02


def send_requests(port: int, keep_alive: bool, rng: random.Random, over: threading.Event) -> Counter[str]:
    """Send requests until ``over`` is set; return how often each status, or kind of failure, came back."""
    outcomes = Counter[str]()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED_WITHIN_S)) as link:
        while not over.is_set():
            try:
                path = rng.choice(PATHS)
                status = send(link, path) if keep_alive else ask(port, "GET", path, None, {}).status
                outcomes[str(status)] += 1
            except (NoResponse, OSError, http.client.HTTPException) as error:
                outcomes[type(error).__name__] += 1
                link.close()
            time.sleep(rng.uniform(0, PAUSE_S))
    return outcomes


def send(link: http.client.HTTPConnection, path: str) -> int:
    """Send a request over a kept connection and return the status."""
    link.request("GET", path)
    with link.getresponse() as response:
        response.read()
        return response.status


@contextmanager
def load(port: int, rng: random.Random) -> Iterator[Counter[str]]:
    """Send requests during the block; the counts of statuses are complete after it."""
    over, statuses = threading.Event(), Counter[str]()
    keep_alive = [False] * NEW_CONNECTIONS + [True] * KEPT_CONNECTIONS
    with ThreadPoolExecutor(len(keep_alive)) as pool:
        asking: list[Future[Counter[str]]] = [
            pool.submit(send_requests, port, keep, random.Random(rng.random()), over) for keep in keep_alive
        ]
        try:
            yield statuses
        finally:
            over.set()
    for one in asking:
        statuses.update(one.result())


@protected_by(
    "a worker has time to answer what it has begun",
    Cut(
        GUNICORN,
        'graceful_timeout = env.number("GRACEFUL_TIMEOUT_S", 20, minimum=1)',
        "graceful_timeout = 0",
    ),
)
def test_reloads_lose_no_request(plain: Web, rng: random.Random, counted: Counter[str]) -> None:
    with load(plain.port, rng) as statuses:
        for _ in range(RELOADS):
            time.sleep(rng.uniform(0, 0.1))
            plain.reload()
    assert statuses.keys() == {"200"}, statuses
    counted["reloads of Gunicorn"] += RELOADS
    counted["requests that were answered meanwhile"] += statuses["200"]
