"""``/api/v1/...``: read one request, forward it, stream its response.

A plain ASGI application. The body is read in full first: a slow client costs neither a slot nor a connection.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from gateway.checks import has_body
from gateway.forwarded import client_key
from gateway.logs import request_id
from gateway.problems import Problem
from gateway.proxy import headers
from gateway.proxy.body import ClientDisconnected, cancel_on_disconnect, read_body
from gateway.proxy.upstream import Upstream
from gateway.settings import Settings

if TYPE_CHECKING:
    from aiohttp import ClientResponse

log = logging.getLogger("gateway.proxy")


class ProxyEndpoint:
    """Forward the request and stream the response; stop when the client disconnects.

    Until it responds the backend works on, whoever left, and the request holds its slot as long: somebody who
    sends and leaves, again and again, would else take all of the backend.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        upstream: Upstream = scope["state"]["upstream"]
        settings: Settings = scope["state"]["settings"]
        client, target = client_key(scope["client"][0]), target_of(scope)
        with suppress(ClientDisconnected), upstream.memory.open(client) as memory:
            body = b""
            if has_body(scope["headers"]):
                body = await read_body(receive, scope["headers"], deadline_s=settings.body_s, memory=memory)
            with upstream.slots.open(client) as slots:
                slots.take(1)
                async with (
                    await forward(upstream, scope, target, body, settings.deadline_s) as response,
                    cancel_on_disconnect(receive),
                ):
                    await relay(response, send, settings)


def target_of(scope: Scope) -> str:
    """Return path and query exactly as the client wrote them.

    Raises:
        Problem: 400, if the path has dot segments: the backend could resolve them to a path outside /api/v1/.
    """
    path = scope["raw_path"].decode("ascii", "replace")
    segments = unquote(path).replace("\\", "/").split("/")
    if "." in segments or ".." in segments or not path.isascii():
        raise Problem(400, "bad-request", "The path has dot segments or characters outside ASCII.")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def forward(
    upstream: Upstream, scope: Scope, target: str, body: bytes, deadline_s: float
) -> ClientResponse:
    """Send the request; return the backend's response when its head has arrived.

    Raises:
        Problem: 502 no connection, a broken one or an invalid response, 504 no response in time.
    """
    from aiohttp import ClientConnectorError, ClientError, ConnectionTimeoutError

    forwarded = headers.request_headers(
        scope["headers"],
        client=scope["client"][0],
        scheme=scope["scheme"],
        host=headers.first_value(scope["headers"], b"host"),
        request_id=request_id.get(),
    )
    try:
        async with asyncio.timeout(deadline_s):
            return _checked(await upstream.request(scope["method"], target, forwarded, body))
    except ConnectionTimeoutError as error:
        raise _failure(504, "backend-timeout", "The backend did not accept a connection.", error) from error
    except TimeoutError as error:
        detail = f"The backend did not respond within {deadline_s:g} s."
        raise _failure(504, "backend-timeout", detail, error) from error
    except ClientConnectorError as error:
        raise _failure(502, "backend-unreachable", "The backend refused the connection.", error) from error
    except ClientError as error:
        detail = "The backend closed the connection before it responded."
        raise _failure(502, "backend-broke-off", detail, error) from error


async def relay(response: ClientResponse, send: Send, settings: Settings) -> None:
    """Stream the response to the client.

    If the backend fails in the middle, or the client does not read, the response is left incomplete: the
    client notices, and the connection is closed.
    """
    from aiohttp import ClientError

    response_headers = headers.response_headers(response.raw_headers, status=response.status)
    now = asyncio.get_running_loop().time
    end = now() + settings.response_s
    try:
        async with asyncio.timeout(settings.idle_s) as limit:
            await send(
                {"type": "http.response.start", "status": response.status, "headers": response_headers}
            )
            more = True
            while more:
                chunk = await response.content.readany()
                more = not response.content.at_eof()
                limit.reschedule(min(now() + settings.idle_s, end))
                await send({"type": "http.response.body", "body": chunk, "more_body": more})
    except (ClientError, TimeoutError) as error:
        log.warning("response incomplete: %s", _cause(error))


def _checked(response: ClientResponse) -> ClientResponse:
    """Return the response. Nothing of ours asks for 101, and there is no final status outside 200 to 599.

    Raises:
        Problem: 502.
    """
    if 200 <= response.status <= 599:
        return response
    response.close()
    detail = f"The backend responded with status {response.status}, which is not valid here."
    log.warning("invalid status from the backend: %d", response.status)
    raise Problem(502, "backend-invalid", detail)


def _failure(status: int, kind: str, detail: str, error: Exception) -> Problem:
    log.warning("no response from the backend: %s", _cause(error))
    return Problem(status, kind, detail)


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
