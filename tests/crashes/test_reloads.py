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
from crashes.customers import ANSWERED_WITHIN_S, ask
from crashes.web import Web
from unprotected.protection import Cut, protected_by

GUNICORN = "backend/gunicorn.conf.py"

RELOADS = 200 if LONG else 5
NEW_CONNECTIONS, KEPT_CONNECTIONS = 6, 6
"""Clients with a new connection for each request, and clients with one connection each."""
PATHS = ("/health/", "/health/", "/health/ready/", "/api/v1/categories")
PAUSE_S = 0.02


def send_requests(port: int, keep_alive: bool, rng: random.Random, over: threading.Event) -> Counter[int]:
    """Send requests until ``over`` is set; return how often each status came back.

    Raises:
        NoResponse, OSError, HTTPException: a request was not answered.
    """
    statuses = Counter[int]()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED_WITHIN_S)) as link:
        while not over.is_set():
            if keep_alive:
                link.request("GET", rng.choice(PATHS))
                with link.getresponse() as response:
                    response.read()
                    statuses[response.status] += 1
            else:
                statuses[ask(port, "GET", rng.choice(PATHS), None, {}).status] += 1
            time.sleep(rng.uniform(0, PAUSE_S))
    return statuses


@contextmanager
def load(port: int, rng: random.Random) -> Iterator[Counter[int]]:
    """Send requests during the block; the counts of statuses are complete after it."""
    over, statuses = threading.Event(), Counter[int]()
    keep_alive = [False] * NEW_CONNECTIONS + [True] * KEPT_CONNECTIONS
    with ThreadPoolExecutor(len(keep_alive)) as pool:
        asking: list[Future[Counter[int]]] = [
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
    assert statuses.keys() == {200}, statuses
    counted["reloads of Gunicorn"] += RELOADS
    counted["requests that were answered meanwhile"] += statuses[200]
