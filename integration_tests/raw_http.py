"""Requests as bytes, for what no HTTP client would send."""

from __future__ import annotations

import http.client
import io
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import shop

TIMEOUT_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Response:
    """One response, with its body."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class _Socket:
    """What http.client reads a response from."""

    def __init__(self, received: io.BytesIO) -> None:
        self._received = received

    def makefile(self, *_: Any) -> io.BytesIO:
        return self._received


def exchange(service: str, *parts: bytes) -> list[Response]:
    """Send bytes to BACKEND_URL or GATEWAY_URL; return every response until the service closes."""
    url = urlsplit(shop.address(service))
    with socket.create_connection((url.hostname or "", url.port or 80), TIMEOUT_S) as client:
        for part in parts:
            with suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(part)
        return _parse(_read_all(client))


def _read_all(client: socket.socket) -> bytes:
    received = bytearray()
    while chunk := client.recv(65536):
        received += chunk
    return bytes(received)


def _parse(received: bytes) -> list[Response]:
    stream, responses = io.BytesIO(received), []
    while stream.tell() < len(received):
        response = http.client.HTTPResponse(_Socket(_Unclosable(stream)))  # type: ignore[arg-type]
        response.begin()
        responses.append(Response(status=response.status, headers=response.headers, body=response.read()))
    return responses


class _Unclosable(io.RawIOBase):
    """A stream that stays open when http.client has read one response from it."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def readline(self, size: int | None = -1) -> bytes:
        return self._stream.readline(size)

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def readinto(self, buffer: Any) -> int:
        return self._stream.readinto(buffer)

    def readable(self) -> bool:
        return True
