"""A limited amount of something that clients share: slots for requests, memory for their bodies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.problems import Problem


class Shares:
    """``total`` units for all clients, at most ``per_client`` of them for one."""

    def __init__(self, total: int, per_client: int) -> None:
        self.total, self._per_client = total, per_client
        self._taken: Counter[str] = Counter()
        self._sum = 0

    @contextmanager
    def open(self, client: str) -> Iterator[Share]:
        """Give what ``client`` may take from; at the end all of it is returned."""
        share = Share(self, client)
        try:
            yield share
        finally:
            self._sum -= share.amount
            self._taken[client] -= share.amount
            if not self._taken[client]:
                del self._taken[client]

    def in_use(self) -> int:
        """Return how many units are taken."""
        return self._sum

    def take(self, client: str, amount: int) -> bool:
        """Take ``amount`` units for ``client`` if there are so many left for it."""
        if self._sum + amount > self.total or self._taken[client] + amount > self._per_client:
            return False
        self._sum += amount
        self._taken[client] += amount
        return True


class Share:
    """What one request holds."""

    def __init__(self, shares: Shares, client: str) -> None:
        self._shares, self._client = shares, client
        self.amount = 0

    def take(self, amount: int) -> None:
        """Take more.

        Raises:
            Problem: 503, if there is no more.
        """
        if not self._shares.take(self._client, amount):
            raise Problem(503, "overloaded", "Too many requests are in progress.", {"Retry-After": "1"})
        self.amount += amount
