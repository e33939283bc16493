"""What the page asks. A function that is not ``async`` reads files: Starlette runs it in a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import get_args

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from dashboard import clocks, events, logs, parts, query, runs, snapshots
from dashboard.answers import Answer
from dashboard.store import Order

ORDERS: tuple[Order, ...] = get_args(Order)
RUNS_SHOWN = 20


async def health(_: Request) -> Response:
    return Answer({"status": "healthy", "service": "dashboard"})


def measurements(request: Request) -> Response:
    """Return what the stack measures of itself, for Prometheus."""
    from dashboard import metrics  # who has no Prometheus does not pay for its library

    asked = parts.of(request)
    name = runs.newest(asked.settings.runs, asked.settings.stack)
    newest = asked.settings.runs / name if name else None
    return Response(metrics.text(newest, asked.receiver), media_type=metrics.CONTENT_TYPE)


def overview(request: Request) -> Response:
    return Answer(parts.of(request).overview(query.text(request, "run")))


async def follow(request: Request) -> Response:
    """Stream the overview of the newest run each time it changes; meanwhile the metrics are asked for."""
    asked = parts.of(request)

    async def changes() -> AsyncIterator[str]:
        with asked.history.watched():
            async for event in events.stream(asked.newest, over=request.app.state.is_stopping):
                yield event

    return StreamingResponse(changes(), media_type="text/event-stream")


async def charts(request: Request) -> Response:
    """Return the metrics of the last minutes for as long as a page was open."""
    return Answer(parts.of(request).history.shown())


def traces(request: Request) -> Response:
    rows = parts.of(request).store.traces(
        order=query.one_of(request, "order", ORDERS),
        run=query.text(request, "run") or None,
        words=query.text(request, "words"),
        background=query.one_of(request, "background", ("", "true", "false")) == "true",
        limit=query.number(request, "limit", default=100, most=500),
    )
    return Answer(rows)


def trace(request: Request) -> Response:
    trace_id = request.path_params["trace_id"]
    found = parts.of(request).store.trace(trace_id)
    if not found:
        raise HTTPException(404, f"There is no trace {trace_id!r} here.")
    return Answer(clocks.aligned(found))


def log_lines(request: Request) -> Response:
    chosen = logs.Filter(
        services=tuple(request.query_params.getlist("service")),
        words=query.text(request, "words"),
        level=query.one_of(request, "level", ("", *logs.LEVELS)),
        identity=query.text(request, "identity"),
        before=query.text(request, "before"),
        after=query.text(request, "after"),
        seen=query.number(request, "seen", default=0, least=0, most=1_000_000),
    )
    run = parts.of(request).run(query.text(request, "run"))
    return Answer(logs.last(run, chosen, limit=query.number(request, "limit", default=200, most=1000)))


def results(request: Request) -> Response:
    return Answer(runs.tests(parts.of(request).run(query.text(request, "run"))))


def all_snapshots(request: Request) -> Response:
    return Answer(snapshots.of_run(parts.of(request).run(query.text(request, "run"))))


def all_runs(request: Request) -> Response:
    return Answer(runs.summaries(parts.of(request).settings.runs, limit=RUNS_SHOWN))


ROUTES = (
    Route("/health", health),
    Route("/metrics", measurements),
    Route("/api/overview", overview),
    Route("/api/events", follow),
    Route("/api/metrics", charts),
    Route("/api/traces", traces),
    Route("/api/traces/{trace_id}", trace),
    Route("/api/logs", log_lines),
    Route("/api/tests", results),
    Route("/api/snapshots", all_snapshots),
    Route("/api/runs", all_runs),
)
