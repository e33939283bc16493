"""The time that the start of a stack may take; building images and environments does not count."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator


class Deadline:
    """Ends ``limit_s`` after ``begin``, or after the last build where that is later."""

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit_s, self._clock = limit_s, clock
        self._builds = 0
        self._from = clock()

    def begin(self) -> None:
        """Start counting again."""
        self._from = self._clock()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time of the block."""
        self._builds += 1
        try:
            yield
        finally:
            self._builds -= 1
            self.begin()

    def left_s(self) -> float:
        """Return the seconds that are left."""
        return self.limit_s if self._builds else self._from + self.limit_s - self._clock()
