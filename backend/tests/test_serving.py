"""Gunicorn's threads connect to the database before a crowd arrives."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError
from gunicorn.config import Config

from config import serving
from config.serving import ConnectedThreadWorker

THREADS = 3


class Connection:
    """Notes the threads that connect; the database answers only if ``is_up``."""

    def __init__(self, *, is_up: bool) -> None:
        self.is_up = is_up
        self.threads: list[int] = []

    def ensure_connection(self) -> None:
        self.threads.append(threading.get_ident())
        if not self.is_up:
            raise OperationalError("connection refused")


@pytest.fixture
def worker() -> Iterator[ConnectedThreadWorker]:
    """A worker that has its pool of threads, and serves nothing."""
    config = Config()
    config.set("threads", THREADS)
    worker = ConnectedThreadWorker(1, os.getppid(), [], None, 30, config, None)
    worker.tpool = worker.get_thread_pool()
    yield worker
    worker.tpool.shutdown()
    worker.tmp.close()


@pytest.mark.parametrize("is_up", [True, False])
def test_each_thread_connects_once_and_serves(worker, monkeypatch, is_up):
    connection = Connection(is_up=is_up)
    monkeypatch.setattr(serving, "connection", connection)
    monkeypatch.setattr(serving, "WITHIN_S", 60.0)
    worker.open_connections()
    assert len(connection.threads) == len(set(connection.threads)) == THREADS
    assert worker.tpool.submit(threading.get_ident).result() in connection.threads
