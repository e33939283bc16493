"""Gunicorn's worker with threads, each of which has its connection to the database before a crowd arrives."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

from django.db import Error, connection
from gunicorn.workers.gthread import ThreadWorker

WITHIN_S = 5.0


class ConnectedThreadWorker(ThreadWorker):
    """Serve as its base class does; only its pool of threads is known here, too."""

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return the pool that serves requests (Gunicorn's own hook to customise it)."""
        self._pool: ThreadPoolExecutor = super().get_thread_pool()
        return self._pool

    def open_connections(self) -> None:
        """Let every thread connect now; what it would otherwise do amid the first requests that it serves.

        A connection takes tens of milliseconds, several at once more (benchmarks/shop_login_storm.py).
        """
        everybody = threading.Barrier(self.cfg.threads)
        wait([self._pool.submit(_connect, everybody) for _ in range(self.cfg.threads)])


def _connect(everybody: threading.Barrier) -> None:
    with suppress(Error):  # the next request meets it again, and answers
        connection.ensure_connection()
    with suppress(threading.BrokenBarrierError):  # no thread takes the part of another one
        everybody.wait(WITHIN_S)
