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
    """Send spans over OTLP, each as it may leave this process.

    What sends them is made for the first of them: importing it takes longer than most of the start.
    """

    def __init__(self) -> None:
        self._sender: SpanExporter | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans."""
        if self._sender is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            self._sender = OTLPSpanExporter()
        return self._sender.export([outgoing(span) for span in spans])

    def shutdown(self) -> None:
        """End what sends them."""
        if self._sender is not None:
            self._sender.shutdown()


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
