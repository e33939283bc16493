"""Request ID, access log and the 500 response for every request."""

from __future__ import annotations

import logging
import re
import time
import uuid
from email.utils import formatdate
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.logs import request_id
from gateway.problems import Problem, problem_response

ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
CLIENT_DISCONNECTED = 499  # never sent; the access log shows it if the client left before the response

INTERNAL_ERROR = "The gateway failed to handle this request; its log has the details."

access = logging.getLogger("gateway.access")
errors = logging.getLogger("gateway.errors")


class RequestLogMiddleware:
    """Set the request ID from X-Request-ID or create one; add it to the response and every log line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id.set(request_id_of(scope))
        response = _Response(send)
        started = time.perf_counter()
        try:
            await self.app(scope, receive, response.send)
        except Exception:
            errors.exception("%s %s failed", scope["method"], scope["path"])
            if response.status == CLIENT_DISCONNECTED:
                failure = problem_response(Problem(500, "internal", INTERNAL_ERROR), scope["path"])
                await failure(scope, receive, response.send)
        finally:
            _log(scope, response, time.perf_counter() - started)


class _Response:
    """Wraps ``send``: adds request ID and date to the response, records its status and size."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = CLIENT_DISCONNECTED
        self.sent_bytes = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": _with_id_and_date(message.get("headers", ()))}
        else:
            self.sent_bytes += len(message.get("body", b""))
        await self._send(message)


def request_id_of(scope: Scope) -> str:
    """Return the X-Request-ID header if it is safe to log, else a new ID."""
    values: list[str] = [v.decode("latin-1") for name, v in scope["headers"] if name == b"x-request-id"]
    if len(values) == 1 and ACCEPTABLE_ID.fullmatch(values[0]):
        return values[0]
    return uuid.uuid4().hex


def _with_id_and_date(headers: Any) -> list[tuple[bytes, bytes]]:
    result = [(name, value) for name, value in headers if name.lower() != b"x-request-id"]
    if not any(name.lower() == b"date" for name, _ in result):
        result.append((b"date", formatdate(usegmt=True).encode()))
    result.append((b"x-request-id", request_id.get().encode()))
    return result


def _log(scope: Scope, response: _Response, elapsed_s: float) -> None:
    """Write the access log line; the query is left out, because it may hold secrets."""
    fields = {
        "method": scope["method"],
        "path": scope["path"],
        "status": response.status,
        "bytes": response.sent_bytes,
        "duration_ms": round(elapsed_s * 1000, 2),
        "remote": scope["client"][0] if scope.get("client") else "-",
    }
    text = "%s %s %s in %.1f ms"
    access.info(
        text, fields["method"], fields["path"], response.status, elapsed_s * 1000, extra={"fields": fields}
    )
