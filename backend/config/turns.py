"""Reads take turns: of a worker's threads one at a time is served, and who came first goes first.

Python runs one thread at a time anyway, but after every wait the next one is picked without regard to how
long it has waited: with eight threads the slowest answers took five times as long as the usual one. A turn
is a courtesy and never a condition: it is lent while a thread waits for the database, and who has waited
`PATIENCE_S` takes the turn of whoever keeps it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE_S = 0.1


class Turns:
    """A context manager that one thread at a time is in, first come first served."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._guard = threading.Lock()
        self._holder: threading.Lock | None = None
        self._waiting: deque[threading.Lock] = deque()
        self._own = threading.local()

    def __enter__(self) -> None:
        self._take()

    def __exit__(self, *_: object) -> None:
        self._give()
        self._own.gate = None

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Lets others have this thread's turn as long as the context lasts, if it has one."""
        if getattr(self._own, "gate", None) is None:
            yield
            return
        self._give()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        gate = self._own.gate = threading.Lock()
        with self._guard:
            if self._holder is None:
                self._holder = gate
                return
            gate.acquire()
            self._waiting.append(gate)
        if not gate.acquire(timeout=self._patience_s):
            self._take_over(gate)

    def _take_over(self, gate: threading.Lock) -> None:
        with self._guard:
            if gate in self._waiting:  # else it was given in this very moment
                self._waiting.remove(gate)
                self._holder = gate

    def _give(self) -> None:
        with self._guard:
            if self._holder is self._own.gate:  # else somebody has lost patience
                self._holder = self._waiting.popleft() if self._waiting else None
                if self._holder is not None:
                    self._holder.release()


reads = Turns()


def lend_while_asking(execute: Callable[..., Any], *query: Any) -> Any:
    """Lends the turn while the database works: one of Django's `execute_wrappers`."""
    with reads.lent():
        return execute(*query)
