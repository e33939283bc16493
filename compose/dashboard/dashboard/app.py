"""The application: its parts, made and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from dashboard import runs
from dashboard.access import Access
from dashboard.api import router
from dashboard.history import History
from dashboard.receiver import Receiver
from dashboard.settings import Settings
from dashboard.store import Store

STATIC = Path(__file__).with_name("static")


def create_app(settings: Settings) -> FastAPI:
    """Return the application that serves the page, its data, and the receiver of spans."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = Store(settings.database)
        run = next(iter(runs.names(settings.runs)), "no run")
        store.begin_run(run, kept=settings.runs_kept)
        receiver = Receiver(
            store,
            run=run,
            queue_limit=settings.queue_limit,
            database_limit_bytes=settings.database_limit_bytes,
        )
        app.state.settings, app.state.store, app.state.receiver = settings, store, receiver
        app.state.history = History(settings.targets)
        yield
        receiver.close()
        store.close()

    app = FastAPI(title="Stack dashboard", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.is_stopping = lambda: False  # set by the server's own process
    app.middleware("http")(Access(settings.token))
    app.exception_handler(HTTPException)(_problem)
    app.include_router(router)
    app.mount("/", StaticFiles(directory=STATIC, html=True))
    return app


async def _problem(request: Request, problem: Exception) -> Response:
    """Return an error as a problem document (RFC 9457)."""
    assert isinstance(problem, HTTPException)
    body = {"title": problem.detail, "status": problem.status_code}
    return JSONResponse(body, problem.status_code, media_type="application/problem+json")
