"""The application: its parts, made and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard import api, otlp, page, runs
from dashboard.access import Access
from dashboard.history import History
from dashboard.parts import Parts
from dashboard.receiver import Receiver
from dashboard.settings import Settings
from dashboard.store import Store


def create_app(settings: Settings) -> Starlette:
    """Return the application that serves the page, its data, and the receiver of spans."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        store = Store(settings.database)
        run = runs.newest(settings.runs, settings.stack) or "no run"
        store.begin_run(run, kept=settings.runs_kept)
        receiver = Receiver(
            store,
            run=run,
            queue_limit_bytes=settings.queue_limit_bytes,
            database_limit_bytes=settings.database_limit_bytes,
        )
        app.state.parts = Parts(
            settings=settings, store=store, receiver=receiver, history=History(settings.targets)
        )
        yield
        receiver.close()
        store.close()

    app = Starlette(
        routes=[*otlp.ROUTES, *api.ROUTES, *page.routes()],
        middleware=[Middleware(Access, token=settings.token)],
        exception_handlers={HTTPException: _problem},
        lifespan=lifespan,
    )
    app.state.is_stopping = lambda: False  # set by the server's own process
    return app


async def _problem(request: Request, problem: Exception) -> Response:
    """Return an error as a problem document (RFC 9457)."""
    assert isinstance(problem, HTTPException)
    body = {"title": problem.detail, "status": problem.status_code}
    return JSONResponse(body, problem.status_code, media_type="application/problem+json")
