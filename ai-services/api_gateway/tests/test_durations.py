"""Durations, by a clock that the test sets: how long a request and a check took."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import metrics, middleware
from gateway.health import dependencies
from gateway.settings import Settings


def clock(*seconds: float) -> SimpleNamespace:
    """Return a module `time` that tells these moments, one after the other."""
    return SimpleNamespace(perf_counter=iter(seconds).__next__)


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the durations that are counted."""
    seconds: list[float] = []
    monkeypatch.setattr(metrics, "ENABLED", True)
    monkeypatch.setattr(metrics, "REQUESTS", Mock(**{"labels.return_value.observe": seconds.append}))
    return seconds


def served(app: ASGIApp) -> Mock:
    """Serve one request for /health; return its connection."""
    connection = Mock()
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/health",
        "raw_path": b"/health",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"h")],
        "client": ("192.0.2.1", 1),
        "state": {"connection": connection, "settings": Settings()},
    }

    async def send(_: Message) -> None:
        pass

    asyncio.run(middleware.RequestMiddleware(app)(scope, Mock(), send))
    return connection


def test_the_access_log_tells_milliseconds_and_the_metrics_seconds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, observed: list[float]
) -> None:
    caplog.set_level(logging.INFO, "gateway.access")
    monkeypatch.setattr(middleware, "time", clock(10.0, 33.123456))
    served(Response(b"12345"))
    (record,) = [record for record in caplog.records if record.name == "gateway.access"]
    assert record.getMessage() == "GET /health 200 in 23123.5 ms"
    assert record.__dict__["fields"] == {
        "method": "GET",
        "path": "/health",
        "status": 200,
        "bytes": 5,
        "duration_ms": 23123.46,
        "remote": "192.0.2.1",
    }
    assert observed == [pytest.approx(23.123456)]


def test_a_check_tells_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "time", clock(10.0, 33.123456))
    measured = asyncio.run(dependencies._measure(lambda: asyncio.sleep(0), required=True))
    assert measured.latency_ms == 23123.46


def test_what_comes_after_a_response_is_the_next_request_although_the_application_has_not_returned() -> None:
    calls: list[int] = []

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        finished = scope["state"]["connection"].request_finished
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"1", b""):
            calls.append(finished.call_count)
            await send({"type": "http.response.body", "body": part, "more_body": bool(part)})
        calls.append(finished.call_count)

    assert served(app).request_finished.call_count == 1
    assert calls == [0, 0, 1]
