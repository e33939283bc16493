"""Orphans that came to the guardian, as PID 1 of a namespace or as a subreaper: taken note of when they end.

Who waits for a child of his own must find it: its code would be lost, and with it the verdict. So a child
is an orphan only where nobody here started it, or did so and never looked for longer than ``PAUSE_S``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Collection

PAUSE_S = 0.5


class Reaper:
    """``awaited`` answers the pids that somebody in this process waits for; those are left alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, awaited: Callable[[], Collection[int]]) -> None:
        self._loop, self._awaited = loop, awaited
        self._seen = 0
        self._planned = False

    def child_ended(self) -> None:
        """Look in a moment, once for all children that end until then; the handler of SIGCHLD."""
        if not self._planned:
            self._planned = True
            self._loop.call_later(PAUSE_S, self._look)

    def _look(self) -> None:
        self._planned = False
        while pid := _ended_child():
            if pid != self._seen or pid in self._awaited():
                self._seen = pid
                self.child_ended()
                return
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        self._seen = 0


def _ended_child() -> int:
    """Return a child that has ended and was not waited for, 0 where there is none; it stays as it is."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return found.si_pid if found is not None else 0
