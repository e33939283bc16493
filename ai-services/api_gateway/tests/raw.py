"""Bytes on a socket, for requests that no HTTP client would send."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 30.0
HEAD = b"GET /api/v1/x HTTP/1.1\r\nHost: shop.example\r\n"


@dataclass(frozen=True, kw_only=True)
class Response:
    """One parsed response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> str:
        """Return the kind of a problem, after checking its common fields."""
        document: dict[str, Any] = json.loads(self.body)
        assert self.headers["content-type"] == "application/problem+json"
        assert document["status"] == self.status
        assert document["request_id"] == self.headers["x-request-id"]
        assert document["title"] and document["detail"] and document["instance"].startswith("/")
        return str(document["type"]).removeprefix("urn:shop:problem:")


def send(port: int, *parts: bytes) -> list[Response]:
    """Send the bytes, end the request side, return every response until the gateway closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
        for part in parts:
            with suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(part)
        return parse(read_all(client))


def read_all(client: socket.socket) -> bytes:
    """Return what arrives until the other side closes."""
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    return received


def parse(received: bytes) -> list[Response]:
    """Return the responses in the bytes; each has a Content-Length."""
    responses = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        responses.append(Response(status=int(first.split()[1]), headers=headers, body=rest[:length]))
        received = rest[length:]
    return responses
