"""What the page asks, and where spans are sent."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from dashboard import events, logs, runs, snapshots, spans
from dashboard.history import History
from dashboard.receiver import Receiver
from dashboard.settings import Settings
from dashboard.store import Order, Store

BODY_LIMIT_BYTES = 8 << 20
PROTOBUF, JSON = "application/x-protobuf", "application/json"

router = APIRouter()


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _receiver(request: Request) -> Receiver:
    receiver: Receiver = request.app.state.receiver
    return receiver


def _history(request: Request) -> History:
    history: History = request.app.state.history
    return history


Configured = Annotated[Settings, Depends(_settings)]
Stored = Annotated[Store, Depends(_store)]
Received = Annotated[Receiver, Depends(_receiver)]
Remembered = Annotated[History, Depends(_history)]


@router.get("/health")
def health() -> dict[str, str]:
    return {"status": "healthy", "service": "dashboard"}


@router.get("/metrics")
def measurements(settings: Configured, receiver: Received) -> Response:
    """Return what the stack measures of itself, for Prometheus."""
    from dashboard import metrics  # who has no Prometheus does not pay for its library

    return Response(metrics.text(settings.runs, receiver), media_type=metrics.CONTENT_TYPE)


@router.post("/v1/traces")
async def take_spans(request: Request, receiver: Received) -> Response:
    """Take an OTLP export request, in protobuf or JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind not in {PROTOBUF, JSON}:
        raise HTTPException(415, f"Send {PROTOBUF} or {JSON}, not {kind or 'nothing'}.")
    body = await _body(request)
    try:
        taken = spans.from_protobuf(body) if kind == PROTOBUF else spans.from_json(body)
    except spans.Malformed as error:
        raise HTTPException(400, str(error)) from None
    dropped = receiver.take(taken)
    if kind == JSON:
        return JSONResponse({"partialSuccess": {"rejectedSpans": dropped}})
    answer = ExportTraceServiceResponse()
    if dropped:
        answer.partial_success.rejected_spans = dropped
        answer.partial_success.error_message = "too many spans wait to be written"
    return Response(answer.SerializeToString(), media_type=PROTOBUF)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise HTTPException(413, f"A request may have {BODY_LIMIT_BYTES} bytes.")
    if request.headers.get("content-encoding") != "gzip":
        return body
    try:
        unpacked = zlib.decompressobj(wbits=31)
        text = unpacked.decompress(body, BODY_LIMIT_BYTES)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise HTTPException(400, f"The body is not gzip: {error}.") from None
    if unpacked.unconsumed_tail:
        raise HTTPException(413, f"A request may have {BODY_LIMIT_BYTES} bytes, unpacked.")
    return text


def _run(settings: Settings, name: str) -> Any:
    try:
        known = runs.names(settings.runs)
        if not name and not known:
            raise HTTPException(404, "No run is recorded yet: start one with `inv up`.")
        return runs.find(settings.runs, name or known[0])
    except runs.UnknownRun as error:
        raise HTTPException(404, str(error)) from None


@router.get("/api/overview")
def overview(settings: Configured, store: Stored, receiver: Received, run: str = "") -> dict[str, Any]:
    """Return the state of a run, the newest where none is named, and the counters of the receiver."""
    counters = {"received": receiver.received, "dropped": receiver.dropped, "spans": store.spans}
    return {**runs.overview(_run(settings, run)), "traces": counters}


@router.get("/api/events")
async def follow(
    request: Request, settings: Configured, store: Stored, receiver: Received, history: Remembered
) -> StreamingResponse:
    """Stream the overview of the newest run each time it changes; meanwhile the metrics are asked for."""

    def look() -> dict[str, Any]:
        return overview(settings, store, receiver)

    async def changes() -> AsyncIterator[str]:
        with history.watched():
            async for event in events.stream(look, over=request.app.state.is_stopping):
                yield event

    return StreamingResponse(changes(), media_type="text/event-stream")


@router.get("/api/metrics")
async def charts(history: Remembered) -> dict[str, Any]:
    """Return the metrics of the last minutes for as long as a page was open."""
    return history.shown()


@router.get("/api/traces")
def traces(
    store: Stored,
    order: Order = "recent",
    run: str = "",
    words: str = "",
    background: bool = False,
    limit: int = Query(100, ge=1, le=500),
) -> list[dict[str, Any]]:
    return store.traces(order=order, run=run or None, words=words, background=background, limit=limit)


@router.get("/api/traces/{trace_id}")
def trace(store: Stored, trace_id: str) -> list[dict[str, Any]]:
    found = store.trace(trace_id)
    if not found:
        raise HTTPException(404, f"There is no trace {trace_id!r} here.")
    return found


@router.get("/api/logs")
def log_lines(
    settings: Configured,
    run: str = "",
    service: Annotated[list[str] | None, Query()] = None,
    words: str = "",
    level: str = Query("", pattern="^(|debug|info|warning|error|critical)$"),
    identity: str = "",
    before: str = "",
    after: str = "",
    limit: int = Query(200, ge=1, le=1000),
) -> list[dict[str, Any]]:
    chosen = logs.Filter(
        services=tuple(service or ()), words=words, level=level, identity=identity, before=before, after=after
    )
    return logs.last(_run(settings, run), chosen, limit=limit)


@router.get("/api/tests")
def results(settings: Configured, run: str = "") -> list[dict[str, Any]]:
    return runs.tests(_run(settings, run))


@router.get("/api/snapshots")
def all_snapshots(settings: Configured, run: str = "") -> list[dict[str, Any]]:
    return snapshots.of_run(_run(settings, run))


@router.get("/api/runs")
def all_runs(settings: Configured) -> list[dict[str, Any]]:
    return [runs.summary(runs.find(settings.runs, name)) for name in runs.names(settings.runs)[:20]]
