"""Takes spans without making senders wait: a bounded queue, a writing thread, a count of the dropped."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Sequence

from dashboard.spans import Span
from dashboard.store import Store

BATCH = 2_000
SHRINK_EVERY = 50
"""Batches between two looks at the size of the database."""


class Receiver:
    """``dropped`` counts spans that found the queue full or could not be written; ``problem`` says why."""

    def __init__(self, store: Store, *, run: str, queue_limit_bytes: int, database_limit_bytes: int) -> None:
        self._store, self.run, self._database_limit_bytes = store, run, database_limit_bytes
        self._queue: queue.Queue[Sequence[Span] | None] = queue.Queue()
        self._limit_bytes, self._waiting_bytes = queue_limit_bytes, 0
        self._lock = threading.Lock()
        self.received = self.dropped = 0
        self.problem = ""
        self._thread = threading.Thread(target=self._write, name="spans", daemon=True)
        self._thread.start()

    def take(self, spans: Sequence[Span]) -> int:
        """Queue spans; return how many were dropped because too many wait already."""
        with self._lock:
            accepted = self._accept(spans)
            self.received += len(accepted)
            if left := len(spans) - len(accepted):
                self._drop(left, "too many spans wait to be written")
        if accepted:
            self._queue.put(accepted)
        return len(spans) - len(accepted)

    def _drop(self, count: int, why: str) -> None:
        self.dropped += count
        self.problem = why

    def _accept(self, spans: Sequence[Span]) -> Sequence[Span]:
        for number, span in enumerate(spans):
            if self._waiting_bytes + span.size_bytes > self._limit_bytes:
                return spans[:number]
            self._waiting_bytes += span.size_bytes
        return spans

    def close(self) -> None:
        """Write what waits, then end."""
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _write(self) -> None:
        batches, open_ = 0, True
        while open_:
            spans: list[Span] = []
            entry = self._queue.get()
            while entry is not None:
                spans += entry
                if len(spans) >= BATCH or self._queue.empty():
                    break
                entry = self._queue.get()
            open_ = entry is not None
            batches += 1
            self._store_batch(spans, shrink=batches % SHRINK_EVERY == 0)

    def _store_batch(self, spans: list[Span], *, shrink: bool) -> None:
        left = len(spans)
        try:
            self._store.add(self.run, spans)
            left = 0
            if shrink:
                self._store.shrink(self._database_limit_bytes)
        except sqlite3.Error as error:  # a full disk costs spans, never the stack
            with self._lock:
                self._drop(left, str(error))
        finally:
            with self._lock:
                self._waiting_bytes -= sum(span.size_bytes for span in spans)
