"""The application: its routes, its state, and how both begin and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.routing import Route

from gateway import health, problems, proxy
from gateway.middleware import RequestLog
from gateway.proxy.upstream import Upstream
from gateway.settings import Settings

DESCRIPTION = """
Everything below `/api/v1/` is answered by the backend, whose own description is
[/api/v1/openapi.json](/api/v1/openapi.json). What the gateway cannot pass on it answers itself, as
`application/problem+json`: **502** the backend refused or broke off, **503** too many requests are on their
way, **504** the backend did not answer in time.
"""


class State(TypedDict):
    """What every request finds in ``request.state``."""

    settings: Settings
    upstream: Upstream


def create_app(settings: Settings) -> FastAPI:
    """Answer the application; nothing is opened before it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with Upstream(settings) as upstream:
            yield {"settings": settings, "upstream": upstream}

    app = FastAPIOffline(
        title="Shop API gateway", description=DESCRIPTION, version="1", redoc_url=None, lifespan=lifespan
    )
    app.add_middleware(RequestLog)
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(HTTPException, problems.on_http_exception)
    app.include_router(health.router)
    app.router.routes.append(Route("/api/v1/{path:path}", proxy.PassThrough()))
    return app
