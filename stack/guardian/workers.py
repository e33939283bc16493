"""Workers of a starting service that end again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from stack.health.verdicts import MANY_ENDS
from stack.system import processes

LOOK_S = 0.1
"""How often they are looked at, which costs 0.1 ms; one that lives shorter may be missed."""


class Workers:
    """Counts the workers of one service that have ended; ``pid`` returns its process, 0 where it has none."""

    def __init__(self, pid: Callable[[], int]) -> None:
        self.ended = 0
        self._pid = pid
        self._living: set[int] = set()

    async def watch(self, *, after_s: float) -> None:
        """Return once so many have ended, ``after_s`` from now, that the service cannot become ready."""
        await asyncio.sleep(after_s)
        while self.ended < MANY_ENDS:
            living = set(processes.workers(self._pid()))
            self.ended += len(self._living - living)
            self._living = living
            await asyncio.sleep(LOOK_S)
