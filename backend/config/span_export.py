"""Spans as they leave this process: an exception is its type alone, since its text may quote values."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

MESSAGES = frozenset({"exception.message", "exception.stacktrace"})
"""https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/"""


class WithoutMessages(SpanExporter):
    """Hand spans to another exporter, without what their exceptions said."""

    def __init__(self, exporter: SpanExporter) -> None:
        """`exporter` sends them."""
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans."""
        return self.exporter.export([without_messages(span) for span in spans])

    def shutdown(self) -> None:
        """End the other exporter."""
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Let the other exporter send what waits."""
        return self.exporter.force_flush(timeout_millis)


def without_messages(span: ReadableSpan) -> ReadableSpan:
    """Return a span whose exceptions are named by their type; the log, with the trace's id, has the rest."""
    if not span.events and not span.status.description:
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[_without_messages(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, (span.status.description or "").partition(":")[0]),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _without_messages(event: Event) -> Event:
    attributes = {name: value for name, value in (event.attributes or {}).items() if name not in MESSAGES}
    return Event(event.name, attributes, event.timestamp)
