"""How spans leave this process. Imported only where traces are on."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class SentSpans(SpanExporter):
    """Send spans over OTLP.

    What sends them is made for the first of them: importing it takes longer than most of the start.
    """

    def __init__(self) -> None:
        self._sender: SpanExporter | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans."""
        if self._sender is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            self._sender = OTLPSpanExporter()
        return self._sender.export(spans)

    def shutdown(self) -> None:
        """End what sends them."""
        if self._sender is not None:
            self._sender.shutdown()
