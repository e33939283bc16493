"""The application: its parts, made and closed together."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from dashboard import api, otlp, page, runs
from dashboard.access import Access
from dashboard.answers import Problem
from dashboard.history import History
from dashboard.parts import Parts
from dashboard.receiver import Receiver
from dashboard.settings import Settings
from dashboard.store import Store
from dashboard.timeline import UnknownRun


def create_app(settings: Settings, store: Store) -> Starlette:
    """Return the application: the page, its data, the receiver of spans. It closes the store."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
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
        exception_handlers={
            HTTPException: _problem,
            UnknownRun: _unknown_run,
            sqlite3.Error: _database_problem,
            Exception: _own_problem,
        },
        lifespan=lifespan,
    )
    app.state.is_stopping = lambda: False  # set by the server's own process
    return app


async def _problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return Problem(problem.status_code, problem.detail)


async def _unknown_run(_: Request, problem: Exception) -> Response:
    return Problem(404, str(problem))


async def _database_problem(_: Request, problem: Exception) -> Response:
    return Problem(503, f"The traces cannot be read: {problem}.")


async def _own_problem(_: Request, problem: Exception) -> Response:
    return Problem(500, f"The dashboard failed: {type(problem).__name__}. `inv logs dashboard` says where.")
