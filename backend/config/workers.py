"""Gunicorn's worker with threads, made fair: to connections, to reads, and to who is refused."""

from __future__ import annotations

import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from config.balance import balance
from config.refusals import AsProblem
from config.turns import reads

LOOKS = 5  # a scheduler may let one who wakes wait for some milliseconds
LOOK_AGAIN_S = 0.001
READS = frozenset(("GET", "HEAD"))  # they bring no body that could be waited for


class FairWorker(ThreadWorker):
    """Leaves new connections to who has fewer, lets reads take turns, and refuses in the shop's own words."""

    slot = 0
    _left = 0  # how many looks in a row somebody was left waiting for the other workers
    _look_at_s = 0.0

    def accept(self, listener: socket.socket) -> None:
        """Takes a new connection; leaves it for some looks where another worker has fewer."""
        if self._left < LOOKS and balance.is_crowded(self.slot):
            self._left += 1
            self._look_at_s = time.monotonic() + LOOK_AGAIN_S
            self.set_accept_enabled(False)
            return
        self._left = 0
        super().accept(listener)
        self._tell()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Listens, or does not; not before the next look."""
        if not enabled or time.monotonic() >= self._look_at_s:
            super().set_accept_enabled(enabled)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Waits for what is next; where somebody was left waiting, only until the next look."""
        self._tell()
        listened, left = self._accepting, self._left
        if left:
            timeout = min(timeout, max(0.0, self._look_at_s - time.monotonic()))
        super().wait_for_and_dispatch_events(timeout)
        if listened and self._left == left:
            self._left = 0  # nobody waits any more

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answers a request whose head was read; answers whether its connection stays open."""
        if req.method not in READS:
            return super().handle_request(req, conn)
        with reads:
            return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Logs and answers a request that never reached Django."""
        super().handle_error(req, AsProblem(client), addr, exc)

    def _tell(self) -> None:
        if self.alive:
            balance.tell(self.slot, self.nr_conns)
        else:
            balance.leave(self.slot)
