"""Workers of a starting service that end again and again."""

from __future__ import annotations

from stack.health.verdicts import MANY_ENDS
from stack.plan.scripts import SHELLS
from stack.system import processes

LOOK_S = 0.1
"""How often they are looked at while a probe waits for its answer; one that lives shorter may be missed."""


class Workers:
    """Counts the workers of one service that have ended."""

    def __init__(self) -> None:
        self.ended = 0
        self._living: set[int] = set()

    def look(self, pid: int) -> bool:
        """Look at the workers of ``pid``; return whether so many have ended that it cannot become ready."""
        living = set(processes.workers(pid, shells=SHELLS))
        self.ended += len(self._living - living)
        self._living = living
        return self.ended >= MANY_ENDS
