"""Connections are shared out among the workers of Gunicorn, also where one of them was away for a while."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psutil

from crashes.people import ANSWERED_WITHIN_S
from crashes.web import Web
from unprotected.protection import Cut, protected_by

WORKERS = "backend/config/workers.py"

MANY = 20


@protected_by(
    "who has more leaves new ones to the others",
    Cut(WORKERS, "balance.is_crowded(self.slot)", "False"),
)
def test_who_was_away_gets_the_new_connections(plain: Web) -> None:
    away, present = sorted(plain.workers())
    with ExitStack() as kept:
        with _stopped(away):
            for _ in range(MANY):
                kept.enter_context(_connection(plain.port))
            assert _held(present, plain.port) == MANY
        for _ in range(MANY):
            kept.enter_context(_connection(plain.port))
        assert _held(away, plain.port) >= MANY * 3 // 4
        assert _held(away, plain.port) + _held(present, plain.port) == 2 * MANY


@contextmanager
def _connection(port: int) -> Iterator[None]:
    """A connection on which one request was answered, and that stays."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED_WITHIN_S)) as link:
        link.request("GET", "/health/")
        with link.getresponse() as response:
            assert (response.status, response.will_close) == (200, False)
            response.read()
        yield


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _held(pid: int, port: int) -> int:
    """Return how many connections to the shop a worker has."""
    links = psutil.Process(pid).net_connections("tcp")
    return sum(link.laddr.port == port and link.status == psutil.CONN_ESTABLISHED for link in links)
