"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a receiver; elsewhere nothing is recorded.

All settings are the standard's own variables
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from starlette.types import ASGIApp, Scope

from gateway.routes import route_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SERVICE = "api-gateway"
FASTAPI: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own recording is off: it does not see the requests that are forwarded."""
ADDRESSES = frozenset({"http.url", "http.target", "url.full", "url.query"})
"""https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/ (before 1.21 and since)"""
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header"""


def is_enabled() -> bool:
    """Return whether spans are recorded and sent."""
    return bool(os.environ.get(ENDPOINT)) and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"


def start() -> None:
    """Send the spans of this process in the background; the SDK is imported only here."""
    if not is_enabled():
        _keep_from_redis()
        return
    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE)
    from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from gateway.sampling import RequestTraceIds
    from gateway.span_export import SentSpans

    provider = TracerProvider(id_generator=RequestTraceIds())
    provider.add_span_processor(BatchSpanProcessor(SentSpans()))
    trace.set_tracer_provider(provider)
    AioHttpClientInstrumentor().instrument(url_filter=lambda url: str(url.with_query(None)))


def _keep_from_redis() -> None:
    """Let redis-py find no SDK: it imports the SDK wherever it is installed, which takes long.

    What is None in the cache of modules cannot be imported
    (https://docs.python.org/3/reference/import.html#the-module-cache).
    """
    sys.modules.setdefault("opentelemetry.sdk", None)  # type: ignore[arg-type]


def stop() -> None:
    """Send what is still waiting: Uvicorn ends the process by its signal, so that nothing runs after it."""
    if provider := _provider():
        provider.shutdown()


def _provider() -> TracerProvider | None:
    """Return what `start` has set, None where nothing is recorded."""
    if not is_enabled():
        return None
    from opentelemetry.sdk.trace import TracerProvider

    provider = trace.get_tracer_provider()
    return provider if isinstance(provider, TracerProvider) else None


def traced(app: ASGIApp) -> ASGIApp:
    """Return the application with a span for each sampled request but health checks, named by its route."""
    provider = _provider()
    if provider is None:
        return app
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    from gateway.sampling import SampledRequests

    recorded = OpenTelemetryMiddleware(
        app,
        excluded_urls="health",
        exclude_spans=["receive", "send"],  # they cost as much as all the rest
        default_span_details=_span_of,
        server_request_hook=_remove_query,
    )
    return SampledRequests(plain=app, traced=recorded, sampler=provider.sampler)


def _remove_query(span: Any, scope: Scope) -> None:
    """Keep the query of a URL out of a span: it may hold what nobody else is to read."""
    del scope
    if not span.is_recording():
        return
    for name in ADDRESSES & span.attributes.keys():
        address = "" if name == "url.query" else span.attributes[name].partition("?")[0]
        span.set_attribute(name, address)


def _span_of(scope: Scope) -> tuple[str, dict[str, Any]]:
    """Return a span's name and attributes: the route, never the URL, so that there are few names."""
    route = route_of(scope["path"])
    return f"{scope['method']} {route}", {"http.route": route}


def trace_id_of(scope: Scope) -> str:
    """Return the id of the trace that a request belongs to, empty where it belongs to none."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return f"{context.trace_id:032x}"
    values = [value for name, value in scope["headers"] if name == b"traceparent"]
    match = TRACEPARENT.fullmatch(values[0]) if len(values) == 1 else None
    return match[1].decode() if match and match[1].strip(b"0") else ""
