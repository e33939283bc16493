"""Spans over OTLP: protobuf, JSON, and what is neither."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

import pytest
from dashboard.otlp import BODY_LIMIT_BYTES
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.testclient import TestClient

from tests.exports import JSON, PROTOBUF, TRACE, exported, wait_for_trace


def test_spans_in_protobuf_are_shown_as_a_trace(client: TestClient) -> None:
    assert client.post("/v1/traces", content=exported(count=3), headers=PROTOBUF).status_code == 200
    spans = wait_for_trace(client)
    assert [span["service"] for span in spans] == ["backend"] * 3
    assert spans[0]["details"] == {"attributes": {"http.route": "/health"}}
    (row,) = client.get("/api/traces").json()
    assert (row["trace_id"], row["name"], row["spans"]) == (TRACE, "GET /health", 3)


def test_spans_in_compressed_json_are_shown_as_a_trace(client: TestClient) -> None:
    span = {
        "traceId": TRACE.upper(), "spanId": "00f067aa0ba902b7", "name": "POST /checkout", "kind": 2,
        "startTimeUnixNano": "1000", "endTimeUnixNano": 5000, "status": {"code": 2, "message": "no stock"},
        "attributes": [
            {"key": "order.number", "value": {"stringValue": "A1"}},
            {"key": "n", "value": {"intValue": "7"}},
        ],
    }  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = client.post("/v1/traces", content=gzip.compress(json.dumps(body).encode()), headers=headers)
    assert answer.json() == {"partialSuccess": {"rejectedSpans": 0}}
    (shown,) = wait_for_trace(client)
    assert (shown["service"], shown["failed"]) == ("unknown", 1)
    assert shown["details"] == {"attributes": {"order.number": "A1", "n": 7}, "message": "no stock"}


@pytest.mark.parametrize(("encoding", "packed"), [("GZIP", gzip.compress), ("deflate", zlib.compress)])
def test_a_body_may_be_packed(client: TestClient, encoding: str, packed: Callable[[bytes], bytes]) -> None:
    headers = {"content-type": "Application/X-Protobuf", "content-encoding": encoding}
    assert client.post("/v1/traces", content=packed(exported()), headers=headers).status_code == 200
    assert len(wait_for_trace(client)) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400),
        (b"{", JSON, 400),
        (b"[1]", JSON, 400),
        (
            b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": 1}]}]}]}',
            JSON,
            400,
        ),
        (b"", {"content-type": "text/plain"}, 415),
        (b"\x0a", PROTOBUF | {"content-encoding": "br"}, 415),
        (gzip.compress(exported())[:-9], PROTOBUF | {"content-encoding": "gzip"}, 400),
        (zlib.compress(b"\0" * (BODY_LIMIT_BYTES + 1)), PROTOBUF | {"content-encoding": "deflate"}, 413),
        (b"no gzip", PROTOBUF | {"content-encoding": "gzip"}, 400),
        (b"x" * (BODY_LIMIT_BYTES + 1), PROTOBUF, 413),
        (gzip.compress(b"\0" * (BODY_LIMIT_BYTES + 1)), PROTOBUF | {"content-encoding": "gzip"}, 413),
    ],
    ids=[
        "no protobuf",
        "no json",
        "a list",
        "no ids",
        "another type",
        "another encoding",
        "cut gzip",
        "too large deflated",
        "no gzip",
        "too large",
        "too large unpacked",
    ],
)
def test_what_is_no_export_request_is_refused_in_one_sentence(
    client: TestClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/v1/traces", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"].endswith(".")


def in_json(**fields: object) -> bytes:
    """Return an export request with one span that has these fields besides its ids."""
    span = {"traceId": TRACE, "spanId": "00f067aa0ba902b7", "startTimeUnixNano": "1000", **fields}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


NESTED = json.loads('{"arrayValue": {"values": [' * 200 + "{}" + "]}}" * 200)


@pytest.mark.parametrize(
    "body",
    [
        in_json(name="\ud800"),
        in_json(attributes=[{"key": "half", "value": {"stringValue": "\ud800"}}]),
        in_json(attributes=[{"key": "\ud800", "value": {"intValue": "1"}}]),
        in_json(attributes=[{"key": "n", "value": {"intValue": float("inf")}}]),
        in_json(startTimeUnixNano=float("inf")),
        in_json(startTimeUnixNano="-" + "9" * 30),
        in_json(kind=1 << 70),
        in_json(traceId="ab"),
        in_json(traceId=""),
        in_json(spanId="00" * 9),
        in_json(parentSpanId="zz"),
        in_json(traceId=7),
        b'{"resourceSpans":' + b"[" * 200_000,
        in_json(attributes=[{"key": "deep", "value": NESTED}]),
    ],
    ids=["name", "value", "key", "infinite", "time", "negative time", "kind", "short id", "no id", "long id",
         "no hexadecimal", "a number as id", "nested", "nested values"],
)  # fmt: skip
def test_a_span_that_no_database_can_hold_is_refused_and_the_next_one_is_written(
    client: TestClient, body: bytes
) -> None:
    answer = client.post("/v1/traces", content=body, headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    client.post("/v1/traces", content=exported(name="next"), headers=PROTOBUF)
    assert [span["name"] for span in wait_for_trace(client)] == ["next"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_shown_in_words(client: TestClient, value: float) -> None:
    request = ExportTraceServiceRequest.FromString(exported())
    attribute = request.resource_spans[0].scope_spans[0].spans[0].attributes[0]
    attribute.value.double_value = value
    client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
    (span,) = wait_for_trace(client)
    assert span["details"] == {"attributes": {"http.route": str(value)}}


def test_a_huge_attribute_is_cut_and_a_clock_that_runs_backwards_gives_no_negative_time(
    client: TestClient,
) -> None:
    client.post("/v1/traces", content=exported(name="n" * 100_000, start_ns=50, end_ns=20), headers=PROTOBUF)
    (span,) = wait_for_trace(client)
    assert len(str(span["name"])) == 2000
    assert (span["start_ns"], span["end_ns"]) == (50, 50)


def test_a_time_beyond_64_signed_bits_is_kept_as_the_largest(client: TestClient) -> None:
    client.post("/v1/traces", content=exported(start_ns=2**64 - 1, end_ns=2**64 - 1), headers=PROTOBUF)
    (span,) = wait_for_trace(client)
    assert span["start_ns"] == 2**63 - 1
