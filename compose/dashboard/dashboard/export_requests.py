"""Export requests of OTLP/HTTP, in protobuf or JSON: the spans that they bring, and their answers.

The formats are those of https://opentelemetry.io/docs/specs/otlp/#otlphttp; in JSON, trace and span ids are
hexadecimal and 64-bit numbers are strings. Only the first request imports this, which takes long.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from dashboard.spans import Span

TEXT_LIMIT = 2_000
"""Characters of one attribute's value that are kept."""
ATTRIBUTES_LIMIT = 64
IDS = {"traceId", "spanId", "parentSpanId"}
ERROR = 2
"""``STATUS_CODE_ERROR`` of the trace protocol."""


class Malformed(ValueError):
    """A request body is no export request."""


def from_protobuf(body: bytes) -> list[Span]:
    """Return the spans of an export request.

    Raises:
        Malformed: the body is no such request.
    """
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Malformed(f"The body is no OTLP trace export request: {error}.") from None
    return list(_spans(request))


def from_json(body: bytes) -> list[Span]:
    """Return the spans of an export request in JSON.

    Raises:
        Malformed: the body is no such request.
    """
    request = ExportTraceServiceRequest()
    try:
        document = json.loads(body, object_hook=_with_ids_in_base64)
        ParseDict(document, request, ignore_unknown_fields=True)
    except (ValueError, TypeError, AttributeError, RecursionError, ParseError) as error:
        raise Malformed(f"The body is no OTLP trace export request in JSON: {str(error)[:200]}.") from None
    return list(_spans(request))


def answer(*, rejected: int, why: str) -> bytes:
    """Return the answer to an export request in protobuf: how many of its spans were not taken, and why."""
    response = ExportTraceServiceResponse()
    if rejected:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = why
    return response.SerializeToString()


def _with_ids_in_base64(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an object with its ids as Protobuf's JSON has bytes; OTLP has them in hexadecimal."""
    for name in IDS & fields.keys():
        fields[name] = b64encode(bytes.fromhex(fields[name] or "")).decode()
    return fields


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        service = _service(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _span(span, service)


def _service(attributes: Sequence[KeyValue]) -> str:
    for attribute in attributes:
        if attribute.key == "service.name":
            return _shortened(attribute.value.string_value) or "unknown"
    return "unknown"


def _span(span: ProtoSpan, service: str) -> Span:
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or len(span.parent_span_id) not in (0, 8):
        raise Malformed("A trace id has 16 bytes, a span id 8.")
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        service=service,
        name=_shortened(span.name),
        kind=span.kind,
        start_ns=_sqlite_integer(span.start_time_unix_nano),
        end_ns=_sqlite_integer(max(span.end_time_unix_nano, span.start_time_unix_nano)),
        failed=span.status.code == ERROR,
        details=json.dumps(_details(span)),
    )


def _details(span: ProtoSpan) -> dict[str, Any]:
    details: dict[str, Any] = {"attributes": _attributes(span.attributes)}
    if span.events:
        details["events"] = [
            {"name": _shortened(event.name), "at_ns": event.time_unix_nano, **_attributes(event.attributes)}
            for event in span.events[:ATTRIBUTES_LIMIT]
        ]
    if span.status.message:
        details["message"] = _shortened(span.status.message)
    left_out = {
        "attributes": max(len(span.attributes) - ATTRIBUTES_LIMIT, 0) + span.dropped_attributes_count,
        "events": max(len(span.events) - ATTRIBUTES_LIMIT, 0) + span.dropped_events_count,
    }
    if any(left_out.values()):
        details["left_out"] = left_out
    return details


def _shortened(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT - 1]}…"


def _attributes(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    return {_shortened(each.key): _value(each.value) for each in attributes[:ATTRIBUTES_LIMIT]}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return _shortened(value.string_value)
    if kind == "double_value" and not math.isfinite(value.double_value):
        return str(value.double_value)  # JSON has no such number
    if kind in {"int_value", "double_value", "bool_value"}:
        return getattr(value, kind)
    return _shortened(str(value)) if kind else None


def _sqlite_integer(number: int) -> int:
    """Return a 64-bit unsigned time as SQLite can hold it (signed, 64 bits)."""
    return min(number, (1 << 63) - 1)
