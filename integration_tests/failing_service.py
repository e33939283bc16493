"""Addresses of services that fail, for tests of the tests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

DEGRADED = b"""
{"status": "degraded", "down": ["redis"], "dependencies": {"redis": {"error": "ConnectionError: cache:6397"}}}
"""


class FailingHandler(BaseHTTPRequestHandler):
    """Return 500 with a request id; /degraded/... is 200 without Redis, /missing is 404."""

    def do_GET(self) -> None:
        degraded = self.path.startswith("/degraded/")
        body = DEGRADED if degraded else b"boom\n"
        self.send_response(200 if degraded else 404 if self.path == "/missing" else 500)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/plain")
        self.send_header("X-Request-ID", "id-of-the-request")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def failing_url() -> Iterator[str]:
    """Return the address of a service that answers 500."""
    with ThreadingHTTPServer(("127.0.0.1", 0), FailingHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_url() -> str:
    """Return an address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"
