"""What the shop's benchmarks share: a client that costs little, and a bare Django project to compare with."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from stack.environments import virtualenv

DEADLINE_S = 60.0
POLL_S = 0.002


@dataclass(kw_only=True)
class Connection:
    """One kept connection with at most one request under way."""

    link: socket.socket
    sent_at: float = 0.0
    received: bytes = b""

    def ask(self, request: bytes) -> None:
        self.sent_at, self.received = time.perf_counter(), b""
        self.link.sendall(request)

    def is_answered(self) -> bool:
        """Read what is there; return whether the response is complete, and refuses all but 200."""
        chunk = self.link.recv(65536)
        if not chunk:
            raise SystemExit("the server closed a connection")
        self.received += chunk
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not a 200: {self.received[:300]!r}")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        return len(body) >= int(length)


def drive(url: str, path: str, *, connections: int, requests: int) -> tuple[float, list[float]]:
    """Keep so many connections busy; answers requests a second, and the seconds that each took."""
    where = urlsplit(url)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".encode()
    taken: list[float] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            link = socket.create_connection((where.hostname or "", where.port or 80), DEADLINE_S)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(link, selectors.EVENT_READ, Connection(link=link))
        began, left = time.perf_counter(), requests
        for key in list(selector.get_map().values()):
            key.data.ask(request)
            left -= 1
        while len(taken) < requests:
            for key, _ in selector.select(DEADLINE_S):
                if key.data.is_answered():
                    taken.append(time.perf_counter() - key.data.sent_at)
                    if left > 0:
                        key.data.ask(request)
                        left -= 1
        seconds = time.perf_counter() - began
        for key in list(selector.get_map().values()):
            key.data.link.close()
    return requests / seconds, sorted(taken)


def backend_python() -> Path:
    """Return the interpreter of the backend's own environment."""
    return virtualenv.sync(ROOT / "backend").python


def bare_project(folder: Path, body: bytes) -> Path:
    """Make what `django-admin startproject` makes, with one view that answers ``body``."""
    call = [str(backend_python()), "-m", "django", "startproject", "bare", str(folder)]
    subprocess.run(call, check=True)
    (folder / "body").write_bytes(body)
    settings = folder / "bare" / "settings.py"
    settings.write_text(settings.read_text() + '\nDEBUG = False\nALLOWED_HOSTS = ["*"]\n')
    (folder / "bare" / "urls.py").write_text(
        "from pathlib import Path\n"
        "from django.http import HttpResponse\n"
        "from django.urls import path\n"
        "BODY = Path(__file__).parent.parent.joinpath('body').read_bytes()\n"
        "def view(request):\n"
        "    return HttpResponse(BODY, content_type='application/json')\n"
        "urlpatterns = [path('health/', view)]\n"
    )
    return folder


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def gunicorn(folder: Path, *argv: str, port: int, **environment: str) -> Iterator[float]:
    """Run Gunicorn with the backend's environment; gives the seconds to the first 200 of /health/."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(backend_python().with_name("gunicorn")), *argv],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not is_up(port):
            if process.poll() is not None or time.perf_counter() - began > DEADLINE_S:
                raise SystemExit(f"{' '.join(argv)} did not come up: {process.poll()}")
            time.sleep(POLL_S)
        yield time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE_S)


def is_up(port: int, path: str = "/health/") -> bool:
    """Return whether a server answers a small request with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as link:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return link.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False
