"""How long tests wait for what the worker does: long at first, a moment once that was in vain."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from shop import trace

PAUSE_S = 0.05


@dataclass(kw_only=True)
class Patience:
    """Waits that share one fate: once one was in vain, the others take ``again_s``, not ``long_s``.

    A worker that does nothing is then known after the first of them, not after all.
    """

    long_s: float = 30.0
    again_s: float = 3.0
    was_in_vain: bool = False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait_until(self, is_done: Callable[[], bool], missing: Callable[[], str]) -> None:
        """Wait until something is done; ``missing`` returns the sentence about what is not.

        The services record what ``is_done`` asks them the first time alone.

        Raises:
            AssertionError: it was not done in time.
        """
        limit_s = self.again_s if self.was_in_vain else self.long_s
        deadline = self.clock() + limit_s
        if is_done():
            return
        with trace.quietly():
            while self.clock() < deadline:
                self.sleep(PAUSE_S)
                if is_done():
                    return
        self.was_in_vain = True
        raise AssertionError(f"not within {limit_s:g} s: {missing()}")


worker = Patience()
