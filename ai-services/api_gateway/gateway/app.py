"""The ASGI application: routes, state, start and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.routing import Route

from gateway import health, problems, proxy
from gateway.middleware import RequestLogMiddleware
from gateway.proxy.upstream import Upstream
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


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it opens nothing before it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with Upstream(settings) as upstream:
            yield {"settings": settings, "upstream": upstream}

    app = FastAPIOffline(
        title="Shop API gateway", description=DESCRIPTION, version="1", redoc_url=None, lifespan=lifespan
    )
    app.add_middleware(RequestLogMiddleware)
    app.add_exception_handler(problems.Problem, problems.handle_problem)
    app.add_exception_handler(HTTPException, problems.handle_http_exception)
    app.include_router(health.router)
    app.router.routes.append(Route("/api/v1/{path:path}", proxy.ProxyEndpoint()))
    return app
