"""Around every request: connection state, checks, request ID, access log, and the 500 response."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import checks, metrics
from gateway.connections.refusal import refusal_problem
from gateway.connections.transport import Response
from gateway.forwarded import resolve_origin
from gateway.logs import request_id
from gateway.problems import Problem, problem_response
from gateway.tracing import trace_id_of

ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
CLIENT_DISCONNECTED = 499  # never sent; the access log shows it if the client left before the response
STOPPING = Problem(503, "stopping", "The gateway stopped before there was a response.")

access = logging.getLogger("gateway.access")
errors = logging.getLogger("gateway.errors")


class RequestMiddleware:
    """Accept or refuse a request, give it an ID, log its response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id.set(request_id_of(scope))
        exchange = _Exchange(scope, receive, send)
        started = time.perf_counter()
        exchange.connection.request_started()
        metrics.ACTIVE.inc()
        try:
            await self._respond(scope, exchange)
        finally:
            metrics.ACTIVE.dec()
            exchange.finish()
            elapsed_s = time.perf_counter() - started
            _log(scope, exchange, elapsed_s)
            if metrics.ENABLED:
                metrics.observe(scope, exchange.status, elapsed_s)

    async def _respond(self, scope: Scope, exchange: _Exchange) -> None:
        try:
            _apply_absolute_form(scope)
            problem = checks.find_problem(
                scope["http_version"], scope["method"], _target(scope), scope["headers"]
            )
            if problem is None:
                _apply_origin(scope)
                await self.app(scope, exchange.receive, exchange.send)
                return
            exchange.close = True
        except Problem as refused:
            problem = refused
        except asyncio.CancelledError:  # Uvicorn, once GRACEFUL_TIMEOUT_S is over
            if exchange.status == CLIENT_DISCONNECTED:
                await _refuse(STOPPING, scope, exchange)
            raise
        except Exception:
            errors.exception("%s %s failed", scope["method"], scope["path"])
            if exchange.status != CLIENT_DISCONNECTED:
                return
            problem = refusal_problem(500)
        await _refuse(problem, scope, exchange)


class _Exchange:
    """Wraps ``receive`` and ``send``: adds ID and date, records status and size, tells the connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.connection = scope["state"]["connection"]
        self.status = CLIENT_DISCONNECTED
        self.sent_bytes = 0
        self._body_missing = checks.has_body(scope["headers"])
        self._is_finished = False
        self.close = False

    def finish(self) -> None:
        """Tell the connection, once, that what comes from now on is the next request."""
        if not self._is_finished:
            self._is_finished = True
            self.connection.request_finished()

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._body_missing = False
        return message

    async def send(self, message: Message) -> None:
        transport = self.connection.transport
        if message["type"] == "http.response.start":
            self.status = message["status"]
            transport.response = Response.STARTED
            # What follows on the connection is no request: it is the rest of a body, or of an attack.
            self.close = transport.linger = self.close or self._body_missing
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        else:
            self.sent_bytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                transport.response = Response.ENDING
        await self._send(message)
        if transport.response is Response.ENDING:
            self.finish()

    def _headers(self, headers: Any) -> list[tuple[bytes, bytes]]:
        result = [(name, value) for name, value in headers if name.lower() != b"x-request-id"]
        if not any(name.lower() == b"date" for name, _ in result):
            result.append((b"date", formatdate(usegmt=True).encode()))
        if self.close:
            result.append((b"connection", b"close"))
        result.append((b"x-request-id", request_id.get().encode()))
        return result


async def _refuse(problem: Problem, scope: Scope, exchange: _Exchange) -> None:
    metrics.PROBLEMS.labels(problem.kind).inc()
    await problem_response(problem, scope["path"])(scope, exchange.receive, exchange.send)


def request_id_of(scope: Scope) -> str:
    """Return the X-Request-ID header if it is safe to log, else a new ID."""
    values: list[str] = [v.decode("latin-1") for name, v in scope["headers"] if name == b"x-request-id"]
    if len(values) == 1 and ACCEPTABLE_ID.fullmatch(values[0]):
        return values[0]
    return uuid.uuid4().hex


def _target(scope: Scope) -> bytes:
    """Return path and query as the client wrote them."""
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def _apply_absolute_form(scope: Scope) -> None:
    """Use path and host of an absolute target (RFC 9112, 3.2.2)."""
    host, path = checks.split_absolute_form(scope["raw_path"])
    if host:
        scope["raw_path"], scope["path"] = path, unquote(path.decode("ascii", "replace"))
        _set_host(scope, host)


def _apply_origin(scope: Scope) -> None:
    """Use client, scheme and host that a trusted proxy names."""
    peer, port = scope["client"] or ("unknown", 0)
    trusted = scope["state"]["settings"].trusted_proxies
    origin = resolve_origin(peer, scope["scheme"], scope["headers"], trusted)
    scope["client"], scope["scheme"] = (origin.address, port), origin.scheme
    if origin.host:
        _set_host(scope, origin.host)


def _set_host(scope: Scope, host: bytes) -> None:
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"host"]
    scope["headers"].append((b"host", host))


def _log(scope: Scope, exchange: _Exchange, elapsed_s: float) -> None:
    """Write the access log line; the query is left out, because it may hold secrets."""
    fields = {
        "method": scope["method"],
        "path": scope["path"],
        "status": exchange.status,
        "bytes": exchange.sent_bytes,
        "duration_ms": round(elapsed_s * 1000, 2),
        "remote": scope["client"][0] if scope.get("client") else "-",
    }
    if trace_id := trace_id_of(scope):
        fields["trace_id"] = trace_id
    text = "%s %s %s in %.1f ms"
    access.info(
        text, fields["method"], fields["path"], exchange.status, elapsed_s * 1000, extra={"fields": fields}
    )
