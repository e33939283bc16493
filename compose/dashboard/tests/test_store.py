"""Spans as they are kept: what is listed, what is bounded, and what a database may be like."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from dashboard.app import create_app
from dashboard.receiver import Receiver
from dashboard.settings import Settings
from dashboard.spans import Span
from dashboard.store import VERSION, Store
from starlette.testclient import TestClient

from tests.exports import PROTOBUF, exported, wait_for_trace, wait_until


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
