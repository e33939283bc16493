"""Requests that the server refuses: answered in the one shape of all errors, and their connection closed."""

from __future__ import annotations

import json
import re
import socket
from typing import Any
from uuid import uuid4

from django.conf import settings
from gunicorn.http.message import Request

STATUS_LINE = re.compile(rb"HTTP/1\.1 (?P<status>[0-9]{3}) (?P<title>[^\r\n]*)")
DETAIL = "The server refused this request before it was read: it is too long, or not HTTP."


def close_after_too_much(req: Request) -> None:
    """Announces the end of a connection whose body will be refused unread (RFC 9110, 15.5.14).

    Gunicorn reads 64 KiB of it and hangs up; who was not told of that would lose its next request.
    """
    lengths = (value for name, value in req.headers if name == "CONTENT-LENGTH")
    if int(next(lengths, 0)) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        req.force_close()


class AsProblem:
    """A socket that sends a problem document where Gunicorn would send its page."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, page: bytes) -> None:
        """Sends the document that stands for `page`."""
        self._client.sendall(refusal(page))


def refusal(page: bytes) -> bytes:
    """Answers a whole HTTP response with the status of Gunicorn's own, and a problem document as its body."""
    line = STATUS_LINE.match(page)
    status, title = (int(line["status"]), line["title"].decode("latin1")) if line else (400, "Bad Request")
    identity = uuid4().hex
    body = json.dumps(
        {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": DETAIL,
            "instance": "/",
            "request_id": identity,
        }
    )
    head = (
        f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        f"X-Request-ID: {identity}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode("latin1")
