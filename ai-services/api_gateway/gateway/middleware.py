"""What happens around every request: its id, its log line, and the answer of last resort."""

from __future__ import annotations

import logging
import re
import time
import uuid
from email.utils import formatdate
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.logs import request_id
from gateway.problems import Problem, response

ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
CLIENT_LEFT = 499  # never sent: what the log says when nobody was there to be answered

access = logging.getLogger("gateway.access")
errors = logging.getLogger("gateway.errors")


class RequestLog:
    """Keep the caller's X-Request-ID, or make one; put it on the answer and on every log line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id.set(identity_of(scope))
        answer = _Answer(send)
        started = time.perf_counter()
        try:
            await self.app(scope, receive, answer.send)
        except Exception:
            errors.exception("%s %s failed", scope["method"], scope["path"])
            if answer.status == CLIENT_LEFT:
                problem = Problem(500, "internal", "Something went wrong on our side.")
                await response(problem, scope["path"])(scope, receive, answer.send)
        finally:
            _log(scope, answer, time.perf_counter() - started)


class _Answer:
    """The answer on its way out: adds the id and the date, remembers status and size."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = CLIENT_LEFT
        self.sent_bytes = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": _with_id_and_date(message.get("headers", ()))}
        else:
            self.sent_bytes += len(message.get("body", b""))
        await self._send(message)


def identity_of(scope: Scope) -> str:
    """Answer the request's own id where it can be trusted in a log, else a new one."""
    values: list[str] = [v.decode("latin-1") for name, v in scope["headers"] if name == b"x-request-id"]
    if len(values) == 1 and ACCEPTABLE_ID.fullmatch(values[0]):
        return values[0]
    return uuid.uuid4().hex


def _with_id_and_date(headers: Any) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"x-request-id"]
    if not any(name.lower() == b"date" for name, _ in kept):
        kept.append((b"date", formatdate(usegmt=True).encode()))
    kept.append((b"x-request-id", request_id.get().encode()))
    return kept


def _log(scope: Scope, answer: _Answer, elapsed_s: float) -> None:
    """The path is logged without its query, which may hold secrets."""
    fields = {
        "method": scope["method"],
        "path": scope["path"],
        "status": answer.status,
        "bytes": answer.sent_bytes,
        "duration_ms": round(elapsed_s * 1000, 2),
        "remote": scope["client"][0] if scope.get("client") else "-",
    }
    text = "%s %s %s in %.1f ms"
    access.info(
        text, fields["method"], fields["path"], answer.status, elapsed_s * 1000, extra={"fields": fields}
    )
