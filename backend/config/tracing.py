"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a receiver; else none of it is imported.

All settings are the standard's own variables
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
SQL is recorded with its placeholders, never with the values.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.http import HttpRequest
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import SpanContext

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ADDRESSES = frozenset({"http.url", "http.target", "url.full", "url.query"})
"""https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/ (before 1.21 and since)"""
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header"""
TRACE_ID = "shop.trace_id"
"""In the environ of a request: the id of its trace, whether its caller or this service began it."""

_api: Any = None
"""OpenTelemetry's API, from `start` on: where traces are off it is not used, whoever else may import it."""

traceparent: ContextVar[str] = ContextVar("traceparent", default="")
"""The header of the request that this code runs for, empty where it has none."""


def is_enabled() -> bool:
    """Return whether the variables ask for traces."""
    return bool(os.environ.get(ENDPOINT)) and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"


def keep_from_redis() -> None:
    """Let redis-py find no OpenTelemetry: it imports the SDK wherever it is installed, which takes long.

    What is None in the cache of modules cannot be imported
    (https://docs.python.org/3/reference/import.html#the-module-cache).
    """
    for name in ("opentelemetry.metrics", "opentelemetry.sdk"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def start(service: str) -> TracerProvider | None:
    """Record spans of Django, its database and Redis in this process and send them in the background.

    Return what records them, None where the variables ask for no traces.
    """
    if not is_enabled():
        keep_from_redis()
        return None
    os.environ.setdefault("OTEL_SERVICE_NAME", service)
    os.environ.setdefault("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", "health")
    from opentelemetry import trace
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from config.span_export import OwnSpans

    global _api
    _api = trace
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OwnSpans()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(request_hook=_remove_query)
    Psycopg2Instrumentor().instrument(skip_dep_check=True)  # it is installed as psycopg2-binary
    RedisInstrumentor().instrument()
    SQLite3Instrumentor().instrument()
    return provider


def _remove_query(span: Any, request: HttpRequest) -> None:
    """Keep the query of a URL out of a span: it may hold what nobody else is to read."""
    del request
    if not span.is_recording():
        return
    for name in ADDRESSES & span.attributes.keys():
        address = "" if name == "url.query" else span.attributes[name].partition("?")[0]
        span.set_attribute(name, address)


def describe(**subject: str) -> None:
    """Note on the current span what this code is about: `order="..."` becomes the attribute `shop.order`."""
    if _api is not None:
        _api.get_current_span().set_attributes({f"shop.{name}": value for name, value in subject.items()})


def current_trace_id() -> str:
    """Return the id of the trace that this code runs in or its request names, empty where it has none."""
    return trace_id_of(current_traceparent())


def current_traceparent() -> str:
    """Return the `traceparent` for what this code causes elsewhere: of its span, else of its request."""
    context = _api.get_current_span().get_span_context() if _api is not None else None
    if context is None or not context.is_valid:
        return traceparent.get()
    return _header(context)


@contextmanager
def continued(name: str, parent: str, aggregate: str) -> Iterator[str]:
    """Record a span below the span that `parent` names; yield the `traceparent` for the next service."""
    if _api is None or not trace_id_of(parent):
        yield parent
        return
    from opentelemetry.propagate import extract

    attributes = {"messaging.system": "redis", "shop.aggregate": aggregate}
    context, kind = extract({"traceparent": parent}), _api.SpanKind.PRODUCER
    with _api.get_tracer("shop").start_span(name, context, kind, attributes) as span:
        yield _header(span.get_span_context())


@contextmanager
def unrecorded() -> Iterator[None]:
    """Record no span of this code: whoever asks again and again says with `recorded` what came of it."""
    if _api is None:
        yield
        return
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        yield


@contextmanager
def recorded(name: str) -> Iterator[None]:
    """Record this code as the root of a trace, below `unrecorded`, too."""
    if _api is None:
        yield
        return
    from opentelemetry import context

    token = context.attach(context.Context())
    try:
        with _api.get_tracer("shop").start_as_current_span(name):
            yield
    finally:
        context.detach(token)


def _header(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def trace_id_of(traceparent: str) -> str:
    """Return the trace id of a ``traceparent`` header, empty where it is none."""
    match = TRACEPARENT.fullmatch(traceparent)
    return match[1] if match and match[1].strip("0") else ""
