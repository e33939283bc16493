"""What a person has: `inv`, run to its end or in a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass

from stack.system.directories import ROOT

LIMIT_S = 120.0
"""No command of this suite takes longer."""


_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command that has ended: its exit code and what it printed on each stream."""

    code: int
    out: str
    err: str


def inv(typed: str, environment: Mapping[str, str], *, limit_s: float = LIMIT_S) -> Ended:
    """Type `inv ...` where no terminal is, and wait until it ends; it reads an empty input."""
    return module("invoke", typed, environment, limit_s=limit_s)


def module(name: str, typed: str, environment: Mapping[str, str], *, limit_s: float = LIMIT_S) -> Ended:
    """Run a module of Python with these arguments as `inv` is run."""
    done = subprocess.run(
        [sys.executable, "-m", name, *shlex.split(typed)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit_s,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


class Terminal:
    """`inv ...` on a terminal of its own, 100 columns wide; every wait has a deadline."""

    def __init__(self, typed: str, environment: Mapping[str, str]) -> None:
        self.output = ""
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (50, 100))  # a pager starts where the output does not fit
        self._process = subprocess.Popen(
            [sys.executable, "-m", "invoke", *shlex.split(typed)],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # it is the controlling terminal
        )
        os.close(slave)

    def wait_for(self, pattern: str, *, limit_s: float = LIMIT_S) -> None:
        """Read until the output after the last match has ``pattern``."""
        deadline = time.monotonic() + limit_s
        while (match := re.search(pattern, self.output)) is None:
            left = deadline - time.monotonic()
            alive = left > 0 and self._read(left)
            assert alive, f"no {pattern!r} in:\n{self.output}"
        self.output = self.output[match.end() :]

    def type(self, line: str) -> None:
        """Type a line; Enter is a carriage return, which the terminal translates unless it is raw."""
        os.write(self._master, line.encode() + b"\r")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._master, b"\x03")

    def end(self, *, limit_s: float = LIMIT_S) -> int:
        """Return the exit code of the command, which ends by itself."""
        deadline = time.monotonic() + limit_s
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.output}"
            self._read(0.05)
        while self._has_output() and self._read(0):
            pass  # what it had printed last
        return self._process.returncode

    def close(self) -> None:
        """End the command where a test has failed before its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(LIMIT_S)
        os.close(self._master)

    def _has_output(self, limit_s: float = 0) -> bool:
        return bool(select.select([self._master], [], [], limit_s)[0])

    def _read(self, limit_s: float) -> bool:
        """Read what is there within ``limit_s``; return False at the end of the output."""
        if not self._has_output(limit_s):
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux: the other side is closed
            return False
        self.output = _CONTROL.sub("", self.output + data.decode(errors="replace")).replace("\r\n", "\n")
        return bool(data)
