"""Gunicorn with several workers."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from crashes.customers import NoResponse, ask
from crashes.processes import Program, children, until


class Web:
    """One Gunicorn master: its port and its workers."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.port, self.size = (int(program.environment[name]) for name in ("PORT", "WEB_CONCURRENCY"))

    def open(self) -> None:
        """Start it, and wait until all of its workers run and one answers."""
        self.program.start()
        until(self._answers, "the shop answers")
        until(lambda: len(self.workers()) == self.size, "all workers of Gunicorn are there")

    def _answers(self) -> bool:
        assert self.program.is_running(), self.program.tail()
        with suppress(NoResponse):
            return ask(self.port, "GET", "/health/ready/", None, {}).status == 200
        return False

    def workers(self) -> set[int]:
        """Return the pids of the living workers."""
        return children(self.program.pid)

    def reload(self) -> None:
        """Reload, and wait until every worker is a new process."""
        before = self.workers()
        os.kill(self.program.pid, signal.SIGHUP)

        def renewed() -> bool:
            assert self.program.is_running(), self.program.tail()
            now = self.workers()
            return len(now) == self.size and not now & before

        until(renewed, "every worker of Gunicorn is a new one")
