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
from crashes.people import ANSWERED_WITHIN_S, ask
from crashes.web import Web
from unprotected.protection import Cut, protected_by

WORKERS = "backend/config/workers.py"

RELOADS = 200 if LONG else 5
STRANGERS, REGULARS = 6, 6
"""Those who connect anew for each request, and those who keep their connection."""
PATHS = ("/health/", "/health/", "/health/ready/", "/api/v1/categories")
THINKS_S = 0.02


def asks_on(port: int, kept: bool, dice: random.Random, over: threading.Event) -> Counter[int]:
    """Return how often each status was answered until it was over.

    Raises:
        Lost, OSError, HTTPException: a request was not answered.
    """
    said = Counter[int]()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED_WITHIN_S)) as link:
        while not over.is_set():
            if kept:
                link.request("GET", dice.choice(PATHS))
                with link.getresponse() as response:
                    response.read()
                    said[response.status] += 1
            else:
                said[ask(port, "GET", dice.choice(PATHS), None, {}).status] += 1
            time.sleep(dice.uniform(0, THINKS_S))
    return said


@contextmanager
def load(port: int, dice: random.Random) -> Iterator[Counter[int]]:
    """People ask all the time; what they were answered is complete at the end."""
    over, said = threading.Event(), Counter[int]()
    kept = [False] * STRANGERS + [True] * REGULARS
    with ThreadPoolExecutor(len(kept)) as pool:
        asking: list[Future[Counter[int]]] = [
            pool.submit(asks_on, port, keeps, random.Random(dice.random()), over) for keeps in kept
        ]
        try:
            yield said
        finally:
            over.set()
    for one in asking:
        said.update(one.result())


@protected_by(
    "a worker answers what it has begun",
    Cut(
        WORKERS,
        "    def handle_error(",
        '    def handle_exit(self, *_: Any) -> None:\n        __import__("os")._exit(0)\n\n'
        "    def handle_error(",
    ),
)
def test_reloads_lose_no_request(plain: Web, dice: random.Random, counted: Counter[str]) -> None:
    with load(plain.port, dice) as said:
        for _ in range(RELOADS):
            time.sleep(dice.uniform(0, 0.1))
            plain.reload()
    assert said.keys() == {200}, said
    counted["reloads of Gunicorn"] += RELOADS
    counted["requests that were answered meanwhile"] += said[200]
