"""A small backend on loopback; the last segment of the path selects its response."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Backend(ThreadingHTTPServer):
    """``seen`` lists the requests; setting ``release`` ends those that wait."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[dict[str, Any]] = []
        self.release = threading.Event()
        self.waiting = threading.Semaphore(0)
        self.gone = threading.Event()
        self.down: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Stay silent: in some tests the gateway closes the connection."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Backend

    def handle_any_method(self) -> None:
        body = self.read()
        self.server.seen.append(
            {
                "method": self.command,
                "path": self.path,
                "headers": [(name.lower(), value) for name, value in self.headers.items()],
                "body": body,
                "connection": self.client_address,
            }
        )
        name = self.path.partition("?")[0].rsplit("/", 1)[-1]
        action: Callable[[], None] = getattr(self, f"on_{name.replace('-', '_')}", self.on_anything)
        action()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any_method

    def read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def reply(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def on_anything(self) -> None:
        self.reply(200, b"default response", ("Content-Type", "text/plain"))

    def on_(self) -> None:
        """/health/ready/"""
        body = json.dumps({"down": self.server.down}).encode()
        self.reply(503 if self.server.down else 200, body)

    def on_hops(self) -> None:
        hop = [("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"), ("Upgrade", "h2c")]
        cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        self.reply(200, b"", *hop, *cookies, ("X-End", "2"), ("X-Request-ID", "the-backend-s"))

    def on_gzip(self) -> None:
        self.reply(200, b"\x1f\x8b not really", ("Content-Encoding", "gzip"))

    def on_status(self) -> None:
        """Respond with the status in the query."""
        self.reply(int(self.path.partition("?")[2]), b"")

    def on_invalid(self) -> None:
        self.wfile.write(b"HTTP/1.1 not a response\r\n\r\n")
        self.close_connection = True

    def on_upgrades(self) -> None:
        """Switch protocols although nothing asked for it."""
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.end_headers()
        self.close_connection = True

    def on_missing(self) -> None:
        self.reply(404, b'{"title":"Not Found"}', ("Content-Type", "application/problem+json"))

    def on_moved(self) -> None:
        self.reply(302, b"", ("Location", "/elsewhere"))

    def on_unchanged(self) -> None:
        self.send_response(304)
        self.send_header("Content-Length", "120")
        self.end_headers()

    def on_waits(self) -> None:
        self.server.waiting.release()
        self.server.release.wait(20)
        self.reply(200, b"released")

    def on_breaks(self) -> None:
        self.close_connection = True

    def on_breaks_in_the_middle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def on_stalls_in_the_middle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"only this")
        self.server.release.wait(20)

    def on_stale(self) -> None:
        """Respond once per connection, then close it at the next request, as after a reload."""
        if [seen["connection"] for seen in self.server.seen].count(self.client_address) > 1:
            self.close_connection = True
        else:
            self.on_anything()

    def on_drips(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nfirst\r\n")
        self.server.release.wait(20)
        self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

    def on_floods(self) -> None:
        """Send more than all buffers on the way hold."""
        self.send_response(200)
        self.send_header("Content-Length", str(10**9))
        self.end_headers()
        try:
            for _ in range(1000):
                self.wfile.write(b"x" * 10**6)
        except OSError:
            self.server.gone.set()

    def on_never_ends(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"4\r\nmore\r\n")
                time.sleep(0.01)
        except OSError:
            self.server.gone.set()

    def log_message(self, *_: object) -> None:
        """Silent."""
