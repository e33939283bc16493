"""``/api/v1/...``: one request there, one response back, both as they come.

A plain ASGI application: bodies are never held in memory as a whole.
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
from gateway.proxy.body import ClientLeft, RequestBody, while_client_waits
from gateway.proxy.upstream import Upstream
from gateway.settings import Settings

if TYPE_CHECKING:
    from aiohttp import ClientResponse

log = logging.getLogger("gateway.proxy")


class PassThrough:
    """Ask the backend, hand on its answer; leave off when the client does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        upstream: Upstream = scope["state"]["upstream"]
        settings: Settings = scope["state"]["settings"]
        target = target_of(scope)
        body = RequestBody(receive, expected=headers.has_body(scope["headers"]))
        with suppress(ClientLeft):
            async with (
                while_client_waits(body),
                upstream.slot(),
                await ask(upstream, scope, target, body, settings.deadline_s) as response,
            ):
                await relay(response, send, settings.idle_s)


def target_of(scope: Scope) -> str:
    """Answer path and query as the client wrote them.

    Raises:
        Problem: 400, where the path climbs: it could leave /api/v1/ on the other side.
    """
    path = scope["raw_path"].decode("ascii", "replace")
    segments = unquote(path).replace("\\", "/").split("/")
    if "." in segments or ".." in segments or not path.isascii():
        raise Problem(400, "bad-request", "The path has a part that cannot be passed on.")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def ask(
    upstream: Upstream, scope: Scope, target: str, body: RequestBody, deadline_s: float
) -> ClientResponse:
    """Answer the backend's response when it begins.

    Raises:
        Problem: 408 the client's body did not come, 502 no connection or a broken one, 504 no answer in time.
        ClientLeft: while it was sending.
    """
    from aiohttp import ClientConnectorError, ClientError, ConnectionTimeoutError

    sent = headers.for_backend(
        scope["headers"],
        client=scope["client"][0] if scope.get("client") else "unknown",
        scheme=scope["scheme"],
        host=headers.value_of(scope["headers"], b"host"),
        request_id=request_id.get(),
    )
    parts = None if body.complete else body.parts()
    try:
        async with asyncio.timeout(deadline_s):
            return await upstream.request(scope["method"], target, sent, parts)
    except ConnectionTimeoutError as error:
        raise _no_answer(504, "backend-timeout", "The backend did not accept a connection.", error) from error
    except TimeoutError as error:
        raise _late(error, body, deadline_s) from error
    except ClientConnectorError as error:
        raise _no_answer(502, "backend-unreachable", "The backend refused the connection.", error) from error
    except ClientError as error:
        if body.client_left:
            raise ClientLeft from error
        raise _no_answer(
            502, "backend-broke-off", "The backend broke off before it answered.", error
        ) from error


async def relay(response: ClientResponse, send: Send, idle_s: float) -> None:
    """Hand on the response part by part.

    Where the backend breaks off in the middle, the answer stays without an end, so that the client notices.
    """
    from aiohttp import ClientError

    kept = headers.for_client(response.raw_headers, status=response.status)
    await send({"type": "http.response.start", "status": response.status, "headers": kept})
    now = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(idle_s) as limit:
            more = True
            while more:
                part = await response.content.readany()
                more = not response.content.at_eof()
                limit.reschedule(now() + idle_s)
                await send({"type": "http.response.body", "body": part, "more_body": more})
    except (ClientError, TimeoutError) as error:
        log.warning("the answer was cut short: %s", _cause(error))


def _late(error: TimeoutError, body: RequestBody, deadline_s: float) -> Problem:
    if body.awaited:
        return Problem(408, "request-timeout", f"The request's body did not arrive within {deadline_s:g} s.")
    return _no_answer(504, "backend-timeout", f"The backend did not answer within {deadline_s:g} s.", error)


def _no_answer(status: int, kind: str, detail: str, error: Exception) -> Problem:
    log.warning("no answer from the backend: %s", _cause(error))
    return Problem(status, kind, detail)


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
