"""Spans over OTLP: protobuf, JSON, and what is neither."""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from dashboard.app import create_app
from dashboard.otlp import BODY_LIMIT_BYTES
from dashboard.receiver import Receiver
from dashboard.settings import Settings
from dashboard.spans import Span
from dashboard.store import VERSION, Store
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


def test_a_trace_begins_with_a_request_whose_sender_is_not_recorded(settings: Settings) -> None:
    """A client that sends `traceparent`, and records nothing itself."""
    first = Span(trace_id="1", span_id="2", parent_id="client", service="gateway", name="GET /", kind=2,
                 start_ns=1, end_ns=9, failed=False, details="{}")  # fmt: skip
    store = Store(settings.database)
    store.add("run", [replace(first, span_id="3", parent_id="2", service="backend", start_ns=2), first])
    (row,) = store.traces(order="recent", run="run")
    assert (row["service"], row["spans"]) == ("gateway", 2)
    store.close()


def test_what_no_request_led_to_is_listed_where_it_is_wanted(settings: Settings) -> None:
    poll = Span(trace_id="1", span_id="2", parent_id="", service="worker", name="SELECT", kind=3, start_ns=1,
                end_ns=2, failed=False, details="{}")  # fmt: skip
    store = Store(settings.database)
    store.add("run", [poll, replace(poll, trace_id="2", name="GET /", kind=2)])
    assert [row["name"] for row in store.traces(order="recent", run=None, background=False)] == ["GET /"]
    assert len(store.traces(order="recent", run=None)) == 2
    store.close()


def test_hostile_words_in_a_search_are_only_words(client: TestClient) -> None:
    client.post("/v1/traces", content=exported(name="100%_'; DROP TABLE spans;--"), headers=PROTOBUF)
    wait_for_trace(client)
    assert len(client.get("/api/traces", params={"words": "%_'; DROP"}).json()) == 1
    assert client.get("/api/traces", params={"words": "%x"}).json() == []


def test_where_too_many_spans_wait_the_rest_is_dropped_and_counted(settings: Settings) -> None:
    span = Span(trace_id="1", span_id="2", parent_id="", service="s", name="n", kind=1, start_ns=1, end_ns=2,
                failed=False, details="{}")  # fmt: skip
    store = Store(settings.database)
    limit = 10 * span.size_bytes
    receiver = Receiver(store, run="run", queue_limit_bytes=limit, database_limit_bytes=1 << 20)
    assert receiver.take([span] * 25) == 15
    receiver.close()
    assert (receiver.received, receiver.dropped) == (10, 15)
    assert store.spans == 10
    store.close()


def test_what_waits_is_bounded_in_bytes_however_large_its_spans_are(settings: Settings) -> None:
    span = Span(trace_id="1", span_id="2", parent_id="", service="s", name="n", kind=1, start_ns=1, end_ns=2,
                failed=False, details="x" * (1 << 20))  # fmt: skip
    store = Store(settings.database)
    receiver = Receiver(store, run="run", queue_limit_bytes=3 << 20, database_limit_bytes=1 << 30)
    assert receiver.take([span] * 10) == 8
    receiver.close()
    assert store.spans == 2
    store.close()


def test_only_the_last_runs_and_a_bounded_size_are_kept(settings: Settings) -> None:
    times = iter(range(100))
    store = Store(settings.database, clock=lambda: float(next(times)))
    span = Span(trace_id="1", span_id="2", parent_id="", service="s", name="n" * 1000, kind=1, start_ns=1,
                end_ns=2, failed=False, details="{}")  # fmt: skip
    for number in range(5):
        store.begin_run(f"run-{number}", kept=3)
        store.add(f"run-{number}", [span] * 100)
    store.begin_run("run-5", kept=3)
    assert store.spans == 200
    assert store.shrink(limit_bytes=1000) == 50
    assert store.shrink(limit_bytes=1 << 30) == 0
    store.close()
    again = Store(settings.database)
    assert store.spans == again.spans == 150
    again.close()


def test_where_room_is_short_what_no_request_led_to_goes_first(settings: Settings) -> None:
    request = Span(trace_id="1", span_id="2", parent_id="", service="s", name="n", kind=2, start_ns=1,
                   end_ns=2, failed=False, details="{}")  # fmt: skip
    poll = replace(request, trace_id="2", kind=3, name="SELECT")
    store = Store(settings.database)
    store.add("run", [request, *[poll] * 6, request])
    assert store.shrink(limit_bytes=1000) == 2
    assert len(store.trace("1")) == 2
    assert len(store.trace("2")) == 4
    store.close()


def test_a_database_of_another_version_is_made_anew(settings: Settings) -> None:
    settings.database.parent.mkdir()
    with sqlite3.connect(settings.database) as connection:
        connection.execute("CREATE TABLE spans (something TEXT)")
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with TestClient(create_app(settings, Store(settings.database)), base_url="http://localhost") as client:
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize("content", [b"no database " * 1000, b"SQLite format 3\0" + b"\xff" * 8192])
def test_a_damaged_database_is_made_anew(settings: Settings, content: bytes) -> None:
    settings.database.parent.mkdir()
    settings.database.write_bytes(content)
    store = Store(settings.database)
    assert store.traces(order="recent", run=None) == []
    store.close()


def test_what_cannot_be_written_is_counted_with_the_reason_and_the_next_spans_are_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    span = Span(trace_id="1", span_id="2", parent_id="", service="s", name="n", kind=1, start_ns=1, end_ns=2,
                failed=False, details="{}")  # fmt: skip
    store = Store(settings.database)
    receiver = Receiver(store, run="run", queue_limit_bytes=1 << 20, database_limit_bytes=1)
    monkeypatch.setattr("dashboard.receiver.SHRINK_EVERY", 1)
    with monkeypatch.context() as patched:
        patched.setattr(store, "shrink", full)
        receiver.take([span])
        wait_until(lambda: receiver.problem == "database or disk is full")
        patched.setattr(store, "add", full)
        receiver.take([span] * 2)
        wait_until(lambda: receiver.dropped == 2)
    receiver.take([span] * 3)
    receiver.close()
    assert store.spans == 3
    store.close()


def test_spans_survive_a_restart(settings: Settings) -> None:
    cookies = {"dashboard_token_80": settings.token}
    for _ in range(2):
        with TestClient(
            create_app(settings, Store(settings.database)), base_url="http://localhost", cookies=cookies
        ) as client:
            client.post("/v1/traces", content=exported(), headers=PROTOBUF)
    with TestClient(
        create_app(settings, Store(settings.database)), base_url="http://localhost", cookies=cookies
    ) as client:
        assert len(wait_for_trace(client)) == 2
