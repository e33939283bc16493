"""Spans as they leave this process.

An exception is its type alone, since its text may quote values. A script that Redis does not have yet is no
failure.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode

MESSAGES = frozenset({"exception.message", "exception.stacktrace"})
"""https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/"""

UNKNOWN_SCRIPT = "redis.exceptions.NoScriptError"
"""Redis does not know the hash of a script: the client sends the script whole, as at every first use
(https://redis.io/docs/latest/develop/programmability/eval-intro/#script-cache)."""


class OwnSpans(SpanExporter):
    """Hand spans to another exporter, each as it may leave this process."""

    def __init__(self, exporter: SpanExporter) -> None:
        """`exporter` sends them."""
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans."""
        return self.exporter.export([outgoing(span) for span in spans])

    def shutdown(self) -> None:
        """End the other exporter."""
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Let the other exporter send what waits."""
        return self.exporter.force_flush(timeout_millis)


def outgoing(span: ReadableSpan) -> ReadableSpan:
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
        status=_status(span),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _status(span: ReadableSpan) -> Status:
    if any((event.attributes or {}).get("exception.type") == UNKNOWN_SCRIPT for event in span.events):
        return Status(StatusCode.UNSET)
    return Status(span.status.status_code, (span.status.description or "").partition(":")[0])


def _without_messages(event: Event) -> Event:
    attributes = {name: value for name, value in (event.attributes or {}).items() if name not in MESSAGES}
    return Event(event.name, attributes, event.timestamp)
