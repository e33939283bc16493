"""The stack that the pages show, as a person at a terminal handles it."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.records import state, timeline
from stack.records.state import StackState
from stack.system.directories import ROOT

LIMIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running stack of the kind `local`: its name and its engine."""

    name: str
    engine: str

    def inv(self, typed: str, *, code: int = 0, limit_s: float = LIMIT_S) -> str:
        """Type `inv ...`, wait until it ends with ``code``, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "invoke", *shlex.split(typed)],
            cwd=ROOT,
            env={**os.environ, "STACK_NAME": self.name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        assert done.returncode == code, f"inv {typed}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    @property
    def state(self) -> StackState:
        """Return the record of the running stack."""
        saved = state.read(self.name)
        assert saved is not None
        return saved

    def kill(self, service: str) -> None:
        """Kill the first process of a service, as an accident would."""
        if self.engine != "local":
            subprocess.run([self.engine, "kill", f"{self.name}-{service}-1"], check=True, capture_output=True)
            return
        started = [event for event in timeline.read(self.run) if event.kind == "process"]
        os.kill(next(e.pid for e in reversed(started) if e.service == service), signal.SIGKILL)

    def wait_for_state(self, service: str, expected: str) -> None:
        """Wait until `inv ps` says so of a service."""

        def seen() -> bool:
            (row,) = json.loads(self.inv(f"ps {service} --json"))
            return bool(row["state"] == expected)

        wait_until(seen, f"{service} is {expected}")

    def get(self, endpoint: str, path: str, headers: Mapping[str, str] = {}) -> int:
        """Ask a service and return the status."""
        address = self.state.endpoints[endpoint].rstrip("/") + path
        try:
            request = urllib.request.Request(address, headers=dict(headers))
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def traced_request(self, path: str = "/api/v1/products?limit=2") -> str:
        """Ask the shop through the gateway, as the start of a trace, and return its id."""
        trace = secrets.token_hex(16)
        self.get("GATEWAY_URL", path, {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"})
        return trace

    def redis(self, *words: str) -> bytes:
        """Send one command to Redis and return the beginning of its answer."""
        parts = [part for word in words for part in (b"$%d" % len(word.encode()), word.encode())]
        with socket.create_connection(("127.0.0.1", self.port("redis", 6379)), timeout=10) as connection:
            connection.sendall(b"\r\n".join([b"*%d" % len(words), *parts, b""]))
            return connection.recv(4096)

    def port(self, service: str, target: int) -> int:
        return self.state.ports[service][target]

    @property
    def run(self) -> Path:
        """Return the folder of the record of its run."""
        return Path(self.state.run)


def wait_until(
    condition: Callable[[], bool],
    what: str,
    *,
    limit_s: float = LIMIT_S,
    pause: Callable[[], object] = lambda: time.sleep(0.2),
) -> None:
    """Wait until ``condition`` holds.

    Raises:
        AssertionError: it does not within ``limit_s`` seconds.
    """
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {limit_s:g} s"
        pause()
