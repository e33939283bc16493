"""``/api/v1/...``: forward one request, relay one response.

A plain ASGI application: bodies are streamed, never held in memory as a whole.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from gateway.logs import request_id
from gateway.problems import Problem
from gateway.proxy import headers
from gateway.proxy.body import ClientDisconnected, RequestBody, cancel_on_disconnect
from gateway.proxy.upstream import Upstream
from gateway.settings import Settings

if TYPE_CHECKING:
    from aiohttp import ClientResponse

log = logging.getLogger("gateway.proxy")


class ProxyEndpoint:
    """Forward the request and relay the response; stop when the client disconnects."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        upstream: Upstream = scope["state"]["upstream"]
        settings: Settings = scope["state"]["settings"]
        target = target_of(scope)
        body = RequestBody(receive, expected=headers.has_body(scope["headers"]))
        with suppress(ClientDisconnected):
            async with (
                cancel_on_disconnect(body),
                upstream.slot(),
                await forward(upstream, scope, target, body, settings.deadline_s) as response,
            ):
                await relay(response, send, settings.idle_s)


def target_of(scope: Scope) -> str:
    """Return path and query exactly as the client wrote them.

    Raises:
        Problem: 400, if the path has dot segments: the backend could resolve them to a path outside /api/v1/.
    """
    path = scope["raw_path"].decode("ascii", "replace")
    segments = unquote(path).replace("\\", "/").split("/")
    if "." in segments or ".." in segments or not path.isascii():
        raise Problem(
            400, "bad-request", "The path may not contain dot segments or characters outside ASCII."
        )
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def forward(
    upstream: Upstream, scope: Scope, target: str, body: RequestBody, deadline_s: float
) -> ClientResponse:
    """Send the request; return the backend's response when its head has arrived.

    Raises:
        Problem: 408 the body did not arrive, 502 no connection or a broken one, 504 no response in time.
        ClientDisconnected: while the body was being sent.
    """
    from aiohttp import ClientConnectorError, ClientError, ConnectionTimeoutError

    forwarded = headers.request_headers(
        scope["headers"],
        client=scope["client"][0] if scope.get("client") else "unknown",
        scheme=scope["scheme"],
        host=headers.first_value(scope["headers"], b"host"),
        request_id=request_id.get(),
    )
    chunks = None if body.complete else body.chunks()
    try:
        async with asyncio.timeout(deadline_s):
            return await upstream.request(scope["method"], target, forwarded, chunks)
    except ConnectionTimeoutError as error:
        raise _failure(504, "backend-timeout", "The backend did not accept a connection.", error) from error
    except TimeoutError as error:
        raise _timeout_problem(error, body, deadline_s) from error
    except ClientConnectorError as error:
        raise _failure(502, "backend-unreachable", "The backend refused the connection.", error) from error
    except ClientError as error:
        if body.disconnected:
            raise ClientDisconnected from error
        raise _failure(
            502, "backend-broke-off", "The backend closed the connection before it responded.", error
        ) from error


async def relay(response: ClientResponse, send: Send, idle_s: float) -> None:
    """Stream the response to the client.

    If the backend fails in the middle, the response is left incomplete, so that the client notices.
    """
    from aiohttp import ClientError

    response_headers = headers.response_headers(response.raw_headers, status=response.status)
    await send({"type": "http.response.start", "status": response.status, "headers": response_headers})
    now = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(idle_s) as limit:
            more = True
            while more:
                chunk = await response.content.readany()
                more = not response.content.at_eof()
                limit.reschedule(now() + idle_s)
                await send({"type": "http.response.body", "body": chunk, "more_body": more})
    except (ClientError, TimeoutError) as error:
        log.warning("response incomplete: %s", _cause(error))


def _timeout_problem(error: TimeoutError, body: RequestBody, deadline_s: float) -> Problem:
    if body.waiting_for_client:
        return Problem(408, "request-timeout", f"The request's body did not arrive within {deadline_s:g} s.")
    return _failure(504, "backend-timeout", f"The backend did not respond within {deadline_s:g} s.", error)


def _failure(status: int, kind: str, detail: str, error: Exception) -> Problem:
    log.warning("no response from the backend: %s", _cause(error))
    return Problem(status, kind, detail)


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
