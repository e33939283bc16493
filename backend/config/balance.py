"""How many connections each worker of this server has, so that a new one goes to who has fewest.

All workers wait at one listening socket, and who wakes first takes what is there: in three of ten trials
one worker of two had all sixteen connections, and the shop answered half as many requests as it could. The
numbers lie in memory that the workers share; each writes its own.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable

SLOTS = 64
NOBODY = 0xFFFF_FFFF


class Balance:
    """A number for each worker, in the place that it was given. Made before the workers are."""

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, SLOTS * 4)).cast("I")
        for slot in range(SLOTS):
            self.leave(slot)

    def free_slot(self, taken: Iterable[int]) -> int:
        """Answers a place that none of the others has; with more workers than places they share the first."""
        return min(set(range(SLOTS)) - set(taken), default=0)

    def tell(self, slot: int, connections: int) -> None:
        """Lets the others know how many connections a worker has."""
        self._counts[slot] = connections

    def leave(self, slot: int) -> None:
        """Lets the others know that nothing is to be left to this worker."""
        self._counts[slot] = NOBODY

    def is_crowded(self, slot: int) -> bool:
        """Answers whether another has fewer connections, by more than an eighth and more than one."""
        fewest = min(self._counts)
        return self._counts[slot] > fewest + fewest // 8 + 1


balance = Balance()
