"""What the gateway counts, counted where it happens; tests/test_metrics.py sees it from outside."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from gateway import metrics, tracing
from tests.conftest import Gateway


class Instrument:
    """Counts by labels."""

    def __init__(self, counted: Counter[tuple[str, ...]], given: tuple[str, ...] = ()) -> None:
        self.counted, self.given = counted, given

    def labels(self, *values: str) -> Instrument:
        return Instrument(self.counted, values)

    def inc(self, amount: float = 1) -> None:
        self.counted[self.given] += int(amount)

    def dec(self) -> None:
        self.counted[self.given] -= 1

    def observe(self, value: float) -> None:
        assert 0 <= value < 60
        self.inc()

    def set_function(self, function: Callable[[], float]) -> None:
        self.counted[self.given] = int(function())


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Counter[tuple[str, ...]]]:
    """Return a function that makes an instrument count here, and returns its numbers by labels."""

    def count(name: str) -> Counter[tuple[str, ...]]:
        numbers: Counter[tuple[str, ...]] = Counter()
        monkeypatch.setattr(metrics, name, Instrument(numbers))
        return numbers

    return count


Count = Callable[[str], Counter[tuple[str, ...]]]


def test_requests_connections_and_problems_are_counted(
    counted: Count, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "ENABLED", True)
    requests, active = counted("REQUESTS"), counted("ACTIVE")
    clients, problems = counted("CLIENTS"), counted("PROBLEMS")
    gateway.request("GET", "/api/v1/x")
    gateway.request("BREW", "/api/v1/x")
    gateway.request("GET", "/api/v1/breaks")
    gateway.stop()
    assert requests == {
        ("GET", "/api/v1/{path}", "200"): 1,
        ("OTHER", "/api/v1/{path}", "405"): 1,
        ("GET", "/api/v1/{path}", "502"): 1,
    }
    assert (active, clients) == ({(): 0}, {(): 0})
    assert problems == {("method-not-allowed",): 1, ("backend-broke-off",): 1}


def test_what_is_shared_is_shown_with_its_limit(counted: Count) -> None:
    limit, in_use = counted("SHARES_LIMIT"), counted("SHARES_IN_USE")
    metrics.show_shares("slots", total=7, in_use=lambda: 3)
    assert (limit, in_use) == ({("slots",): 7}, {("slots",): 3})


def test_connections_to_the_backend_are_counted_new_or_used_again(
    counted: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = counted("POOL")
    assert metrics.pool_tracing() == []
    monkeypatch.setattr(metrics, "ENABLED", True)
    (config,) = metrics.pool_tracing()
    (opened,), (reused,) = config.on_connection_create_end, config.on_connection_reuseconn
    asyncio.run(opened(None, None, None))
    for _ in range(2):
        asyncio.run(reused(None, None, None))
    assert pool == {("opened",): 1, ("reused",): 2}


def test_without_an_address_nothing_is_counted() -> None:
    instrument = metrics._instrument("Counter", "never", "made")
    assert instrument.labels("x") is instrument
    assert [instrument.inc(), instrument.observe(1), instrument.set_function(int)] == [None] * 3


@pytest.mark.parametrize(
    ("environment", "is_enabled"),
    [
        ({}, False),
        ({tracing.ENDPOINT: ""}, False),
        ({tracing.ENDPOINT: "http://x"}, True),
        ({tracing.ENDPOINT: "http://x", "OTEL_SDK_DISABLED": "True"}, False),
        ({tracing.ENDPOINT: "http://x", "OTEL_SDK_DISABLED": "false"}, True),
    ],
)
def test_traces_are_recorded_where_there_is_a_receiver(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], is_enabled: bool
) -> None:
    monkeypatch.setattr(tracing.os, "environ", environment)
    assert tracing.is_enabled() is is_enabled


def test_a_span_is_named_by_its_route() -> None:
    name, attributes = tracing._span_of({"method": "GET", "path": "/api/v1/products/a?b"})
    assert (name, attributes) == ("GET /api/v1/{path}", {"http.route": "/api/v1/{path}"})
