"""The main job, ``python -m stack.commands.integration``, as a process that tests read and interrupt."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from faults.settings import ENGINE, PATIENCE_S
from faults.tree import Tree


class Job:
    """A running main job and its output so far."""

    def __init__(self, tree: Tree, program: tuple[str, str] = ("-m", "stack.commands.integration")) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", *program, "--stack", "toy", "--engine", ENGINE, "-s"],
            cwd=tree.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(tree.folder), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self.output = ""
        self._limit = threading.Timer(PATIENCE_S, self.process.kill)
        self._limit.start()

    def wait_for(self, pattern: str) -> None:
        """Read on until a line matches; fail with all of the output so far."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if re.search(pattern, line):
                return
        raise AssertionError(f"the job ended without printing {pattern!r}:\n{self.output}")

    def interrupt(self) -> None:
        """Press Ctrl-C: every process of the terminal's foreground group gets it. Wait until the job has."""
        os.killpg(self.process.pid, signal.SIGINT)
        while self._has_pending(signal.SIGINT):
            time.sleep(0.001)

    def _has_pending(self, number: signal.Signals) -> bool:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
            return bool(int(pending.split()[1], 16) >> (number - 1) & 1)
        return False

    def end(self) -> tuple[int, float]:
        """Return its exit code and how long that took."""
        began = time.monotonic()
        try:
            rest, _ = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"no end:\n{self.output}") from None
        self._limit.cancel()
        self.output += rest
        return self.process.returncode, time.monotonic() - began
