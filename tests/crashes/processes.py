"""Real processes: started so that they end with us, waited for with a deadline, ended one by one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from stack.system import kernel, programs

TOKEN = "CRASHES_RUN"
"""A name of the environment, by which our processes are known again."""
READY_WITHIN_S = 60.0
ENDS_WITHIN_S = 30.0
PAUSE_S = 0.01
SHOWN_BYTES = 4000


def free_port() -> int:
    """Return a port that nobody holds now."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def until(true: Callable[[], bool], what: str, *, within_s: float = READY_WITHIN_S) -> None:
    """Wait until something is true.

    Raises:
        AssertionError: it was not in time; the text says what was waited for.
    """
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(PAUSE_S)


@dataclass(kw_only=True)
class Program:
    """One program with its log; it can be started again. Start it from the main thread.

    The kernel ends a child when the thread that started it ends, not only when the process does.
    """

    argv: Sequence[str]
    log: Path
    cwd: Path
    environment: Mapping[str, str]
    user: str | None = None
    process: programs.Process | None = None

    def start(self, **environment: str) -> None:
        """Start it, and no second one."""
        assert not self.lives(), f"{self.log.stem} runs already"
        with self.log.open("ab") as output:
            self.process = programs.spawn(
                self.argv,
                cwd=self.cwd,
                env={**self.environment, **environment},
                output=output.fileno(),
                own_session=True,
                before=kernel.die_with_parent(),
                user=self.user,
            )

    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.log.stem} was not started"
        return self.process.pid

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None, f"{self.log.stem} was not started"
        self.process.kill()
        self.process.wait(ENDS_WITHIN_S)

    def dies(self) -> None:
        """Wait for a death by SIGKILL that it was armed for."""
        assert self.process is not None, f"{self.log.stem} was not started"
        assert programs.ends_within(self.process, ENDS_WITHIN_S), f"{self.log.stem} lives on\n{self.tail()}"
        assert self.process.returncode == -signal.SIGKILL, self.tail()

    def end(self) -> None:
        """End it in order; kill it where it does not."""
        if self.process is not None and self.lives():
            self.process.terminate()
            if not programs.ends_within(self.process, ENDS_WITHIN_S):
                self.process.kill()
                self.process.wait(ENDS_WITHIN_S)

    def tail(self) -> str:
        """Return the last of what it said."""
        text = self.log.read_bytes()[-SHOWN_BYTES:] if self.log.exists() else b""
        return f"--- {self.log.name}\n{text.decode(errors='replace')}"


def end(programs: Sequence[Program]) -> None:
    """End several side by side."""
    for program in programs:
        if program.process is not None and program.lives():
            program.process.terminate()
    for program in programs:
        program.end()


def children(pid: int) -> set[int]:
    """Return the pids of a process' living children: Gunicorn's workers."""
    with contextlib.suppress(psutil.NoSuchProcess):
        found = psutil.Process(pid).children()
        return {child.pid for child in found if child.status() != psutil.STATUS_ZOMBIE}
    return set()


def ours(token: str, folder: Path) -> Iterator[psutil.Process]:
    """Return the living processes that carry our token or work in our folder, whoever their parent is by now.

    Postgres writes over its environment, but stays where its data is.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and (
                process.environ().get(TOKEN) == token or Path(process.cwd()).is_relative_to(folder)
            ):
                yield process


def leave_nothing(token: str, folder: Path) -> list[str]:
    """Kill what is still there; answer what that was."""
    left = []
    for process in ours(token, folder):
        with contextlib.suppress(psutil.Error):
            left.append(f"{process.pid} {' '.join(process.cmdline())}")
            process.kill()
    return left
