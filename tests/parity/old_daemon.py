"""A fake daemon of an old Docker Engine: enough of its API for a client to ask for the version."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

VERSION, API = "20.10.24", "1.41"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = {"Version": VERSION, "ApiVersion": API, "MinAPIVersion": "1.12", "Os": "linux"}
        body = b"OK" if self.path.endswith("/_ping") else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Api-Version", API)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def listening(path: Path) -> Iterator[str]:
    """Run such a daemon on the socket ``path``; return its address."""
    with _Server(str(path), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"unix://{path}"
        server.shutdown()
        thread.join()
