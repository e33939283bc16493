"""HTTP/1.1 as bytes, so that attacks can be written as they are sent."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 60.0
HOST = "Host: localhost"
CLIENT = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Response:
    """One response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    def is_problem(self) -> bool:
        """Return whether the body is problem+json about this response."""
        is_problem = self.headers.get("content-type", "").startswith("application/problem+json")
        return is_problem and self.json()["status"] == self.status


def head(method: str, path: str, *fields: str, host: str = HOST) -> bytes:
    """Return the head of a request."""
    lines = [f"{method} {path} HTTP/1.1", *([host] if host else []), *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def connect(port: int, *, source: str = CLIENT) -> socket.socket:
    """Return a connection from a loopback address: every one of 127.0.0.0/8 is a client of its own."""
    return socket.create_connection(("127.0.0.1", port), TIMEOUT_S, source_address=(source, 0))


def exchange(port: int, *parts: bytes, source: str = CLIENT) -> list[Response]:
    """Send the bytes and return every response until the other side closes."""
    with connect(port, source=source) as client:
        for part in parts:
            with suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(part)
        return list(parse(read_all(client)))


def ask(
    port: int,
    method: str,
    path: str,
    *fields: str,
    body: bytes = b"",
    source: str = CLIENT,
    host: str = HOST,
) -> Response:
    """Return the response to one well-formed request."""
    framing = [f"Content-Length: {len(body)}"] if body else []
    (response,) = exchange(
        port, head(method, path, *fields, *framing, "Connection: close", host=host) + body, source=source
    )
    return response


def read_all(client: socket.socket) -> bytes:
    """Return what arrives until the other side closes."""
    received = bytearray()
    while chunk := client.recv(65536):
        received += chunk
    return bytes(received)


def parse(received: bytes) -> list[Response]:
    """Return the responses in the bytes."""
    responses = []
    while received:
        start, _, rest = received.partition(b"\r\n\r\n")
        line, *fields = start.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)
        }
        if headers.get("transfer-encoding") == "chunked":
            body, received = _unchunk(rest)
        else:
            length = int(headers.get("content-length", 0))
            body, received = rest[:length], rest[length:]
        responses.append(Response(status=int(line.split()[1]), headers=headers, body=body))
    return responses


def _unchunk(data: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        body, data = body + data[:length], data[length + 2 :]
        if length == 0:
            return body, data
