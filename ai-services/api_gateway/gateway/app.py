"""The ASGI application: routes, state, start and end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TypedDict

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import health, problems, proxy, tracing
from gateway.middleware import RequestMiddleware
from gateway.proxy.upstream import Upstream
from gateway.routes import API
from gateway.settings import Settings

DESCRIPTION = """
Everything below `/api/v1/` is forwarded to the backend, whose own description is
[/api/v1/openapi.json](/api/v1/openapi.json). If a request cannot be forwarded, the gateway itself responds
with `application/problem+json`: **502** the backend refused or closed the connection, **503** too many
requests are in progress, **504** the backend did not respond in time.
"""


class State(TypedDict):
    """The contents of ``request.state``."""

    settings: Settings
    upstream: Upstream
    readiness: health.SharedReadiness


class Application:
    """Forwards what is below ``API`` to the backend; FastAPI serves everything else."""

    def __init__(self, pages: ASGIApp) -> None:
        self._pages, self._proxy = pages, proxy.ProxyEndpoint()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_proxied = scope["type"] == "http" and scope["path"].startswith(API)
        await (self._proxy if is_proxied else self._pages)(scope, receive, send)


def create_app(settings: Settings) -> ASGIApp:
    """Return the application; it opens nothing before it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with Upstream(settings) as upstream:
            check = partial(health.check_readiness, upstream, settings.redis_url)
            yield {
                "settings": settings,
                "upstream": upstream,
                "readiness": health.SharedReadiness(check),
            }
        await asyncio.to_thread(tracing.stop)

    pages = FastAPIOffline(
        title="Shop API gateway",
        description=DESCRIPTION,
        version="1",
        redoc_url=None,
        lifespan=lifespan,
        telemetry=tracing.FASTAPI,
    )
    pages.add_exception_handler(HTTPException, problems.handle_http_exception)
    pages.include_router(health.router)
    return tracing.traced(RequestMiddleware(Application(pages)))
