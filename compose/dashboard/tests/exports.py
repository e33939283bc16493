"""What the tests of spans share: export requests, and the wait for what they bring."""

from __future__ import annotations

import time
from collections.abc import Callable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.testclient import TestClient

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def exported(*, name: str = "GET /health", count: int = 1, start_ns: int = 10, end_ns: int = 20) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    service = resource.resource.attributes.add()
    service.key, service.value.string_value = "service.name", "backend"
    scope = resource.scope_spans.add()
    for number in range(count):
        span = scope.spans.add()
        span.trace_id, span.span_id = bytes.fromhex(TRACE), number.to_bytes(8, "big")
        span.parent_span_id = b"" if number == 0 else (0).to_bytes(8, "big")
        span.name, span.start_time_unix_nano, span.end_time_unix_nano = name, start_ns, end_ns
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = "http.route", "/health"
    return request.SerializeToString()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, "it did not happen within 60 s"
        time.sleep(0.01)


def wait_for_trace(client: TestClient, trace_id: str = TRACE) -> list[dict[str, object]]:
    wait_until(lambda: client.get(f"/api/traces/{trace_id}").status_code != 404)
    spans: list[dict[str, object]] = client.get(f"/api/traces/{trace_id}").json()
    return spans
