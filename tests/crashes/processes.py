"""Real processes: they end with the tests' process, and every wait for them has a deadline."""

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
"""The environment variable by which the processes of this run are recognised."""
READY_WITHIN_S = 120.0
ENDS_WITHIN_S = 60.0
PAUSE_S = 0.01
SHOWN_BYTES = 4000


_held: list[socket.socket] = []


def free_port() -> int:
    """Return a loopback port that nobody else is given while this process lives.

    A socket without a listener stays bound to it: the kernel hands the port out to no other program, and
    a server that sets SO_REUSEADDR, as they all do, listens there.
    """
    holder = socket.socket()
    _held.append(holder)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return int(holder.getsockname()[1])


def until(true: Callable[[], bool], what: str, *, within_s: float = READY_WITHIN_S) -> None:
    """Wait until ``true()`` is true.

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
        """Start the program; at most one process of it runs."""
        assert not self.is_running(), f"{self.log.stem} runs already"
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

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.log.stem} was not started"
        return self.process.pid

    def kill(self) -> None:
        """Kill the process with SIGKILL, as a crash would."""
        assert self.process is not None, f"{self.log.stem} was not started"
        self.process.kill()
        self.process.wait(ENDS_WITHIN_S)

    def wait_for_kill(self) -> None:
        """Wait until the injected SIGKILL has ended the process."""
        assert self.process is not None, f"{self.log.stem} was not started"
        assert programs.ends_within(self.process, ENDS_WITHIN_S), f"{self.log.stem} lives on\n{self.tail()}"
        assert self.process.returncode == -signal.SIGKILL, self.tail()

    def end(self) -> None:
        """Terminate the process; kill it where it does not end in time."""
        if self.process is not None and self.is_running():
            self.process.terminate()
            if not programs.ends_within(self.process, ENDS_WITHIN_S):
                self.process.kill()
                self.process.wait(ENDS_WITHIN_S)

    def tail(self) -> str:
        """Return the end of the program's log."""
        text = self.log.read_bytes()[-SHOWN_BYTES:] if self.log.exists() else b""
        return f"--- {self.log.name}\n{text.decode(errors='replace')}"


def end(programs: Sequence[Program]) -> None:
    """End several programs in parallel."""
    for program in programs:
        if program.process is not None and program.is_running():
            program.process.terminate()
    for program in programs:
        program.end()


def children(pid: int) -> set[int]:
    """Return the pids of a process's living children: Gunicorn's workers."""
    with contextlib.suppress(psutil.NoSuchProcess):
        workers = psutil.Process(pid).children()
        return {child.pid for child in workers if child.status() != psutil.STATUS_ZOMBIE}
    return set()


def processes_of(token: str, folder: Path) -> Iterator[psutil.Process]:
    """Yield the living processes that carry the run's token or work in its folder, whatever their parent is.

    Postgres writes over its environment, but stays where its data is.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and (
                process.environ().get(TOKEN) == token or Path(process.cwd()).is_relative_to(folder)
            ):
                yield process


def kill_leftovers(token: str, folder: Path) -> list[str]:
    """Kill the processes that are still running; return their command lines."""
    left = []
    for process in processes_of(token, folder):
        with contextlib.suppress(psutil.Error):
            left.append(f"{process.pid} {' '.join(process.cmdline())}")
            process.kill()
    return left
