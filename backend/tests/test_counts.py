"""What the shop counts about itself, counted where it happens; tests/test_metrics.py sees it from outside."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
import redis
from django.db import connection
from django.http import HttpResponse

from catalog import cache
from core import metrics, throttling
from core.apps import CoreConfig
from core.throttling import Slots, TooManyRequests
from operations.worker import Job, Worker
from tests.shop import Person, variant_make

pytestmark = pytest.mark.django_db


class Instrument:
    """Counts by labels."""

    def __init__(self, counted, labels=()):
        self.counted, self.given = counted, labels

    def labels(self, *values):
        return Instrument(self.counted, values)

    def inc(self, amount=1):
        self.counted[self.given] += amount

    def dec(self, amount=1):
        self.counted[self.given] -= amount

    def observe(self, value):
        assert 0 <= value < 60
        self.inc()


@pytest.fixture
def counted(monkeypatch):
    """Return a function that makes an instrument count here, and returns its numbers by labels."""

    def count(name):
        numbers = Counter()
        monkeypatch.setattr(metrics, name, Instrument(numbers))
        return numbers

    return count


def test_a_request_is_counted_under_the_template_of_its_route(client, counted, settings):
    settings.MIDDLEWARE = ["core.metrics.MetricsMiddleware", *settings.MIDDLEWARE]
    requests, active = counted("REQUESTS"), counted("ACTIVE")
    variant_make("A")
    client.get("/api/v1/products/thing-a")
    client.get("/nowhere/1")
    client.generic("BREW", "/health/")
    assert requests == {
        ("GET", "/api/v1/products/<slug>", 200): 1,
        ("GET", metrics.UNKNOWN_ROUTE, 404): 1,
        ("OTHER", "/health/", 405): 1,
    }
    assert active == {(): 0}


def test_a_request_is_busy_until_it_fails(rf, counted):
    active, seen = counted("ACTIVE"), []

    def fail(request):
        seen.append(active[()])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        metrics.MetricsMiddleware(fail)(rf.get("/"))
    assert (seen, active[()]) == ([1], 0)


def test_a_request_takes_the_seconds_between_its_begin_and_its_end(rf, monkeypatch):
    seconds, moments = [], iter((10.0, 33.125))
    instrument = SimpleNamespace(labels=lambda *_: SimpleNamespace(observe=seconds.append))
    monkeypatch.setattr(metrics, "REQUESTS", instrument)
    monkeypatch.setattr(metrics, "perf_counter", moments.__next__)
    metrics.MetricsMiddleware(lambda request: HttpResponse())(rf.get("/"))
    assert seconds == [23.125]


def test_a_route_is_not_that_of_the_request_before(rf, counted):
    requests = counted("REQUESTS")
    metrics.route.set("/before")
    metrics.MetricsMiddleware(lambda request: HttpResponse())(rf.get("/"))
    assert requests == {("GET", metrics.UNKNOWN_ROUTE, 200): 1}


def test_a_store_that_is_given_up_is_counted_and_told_once(counted, settings, monkeypatch, caplog):
    opened = counted("CIRCUIT_OPENED")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(throttling, "_unavailable_until_s", 0.0)
    throttling._shared.cache_clear()
    throttling.throttle("login-address", "x")
    throttling.throttle("login-address", "x")
    assert opened == {("limits",): 1}
    assert [record.name for record in caplog.records] == ["shop.throttling"]
    cache._mark_unavailable(redis.ConnectionError("gone"))
    assert opened[("cache",)] == 1
    monkeypatch.setattr(cache, "_unavailable_until_s", 0.0)


def test_an_attempt_that_is_refused_is_counted_under_its_limit(counted, settings):
    throttled = counted("THROTTLED")
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-address": "1/hour"}
    throttling.throttle("login-address", "counted")
    with pytest.raises(TooManyRequests):
        throttling.throttle("login-address", "counted")
    assert throttled == {("login-address",): 1}
    throttling.throttle_reset("login-address", "counted")


def test_slots_are_counted_while_they_are_taken_and_when_they_are_refused(counted):
    in_use, refused = counted("SLOTS_IN_USE"), counted("SLOTS_REFUSED")
    slots = Slots("test", running=1, waiting=1)
    with slots.take():
        assert in_use == {("test",): 1}
        with pytest.raises(TooManyRequests), slots.take(wait_s=0.001):
            pass
    with pytest.raises(ZeroDivisionError), slots.take():
        raise ZeroDivisionError
    assert (in_use, refused) == ({("test",): 0}, {("test",): 1})


@pytest.mark.parametrize("waiting", [0, 1])
def test_who_may_not_wait_and_who_waits_in_vain_are_both_refused(counted, waiting):
    refused = counted("SLOTS_REFUSED")
    slots = Slots("test", running=1, waiting=waiting)
    with slots.take(), pytest.raises(TooManyRequests), slots.take(wait_s=0.001):
        pass
    assert refused == {("test",): 1}


def test_reads_of_the_cache_are_counted_by_what_came_of_them(redis_server, transactional_db, counted):
    reads = counted("CACHE_READS")
    variant_make("A")
    for _ in range(2):
        Person().send("GET", "/products/thing-a")
        Person().send("GET", "/facets")
    expected = {("product", "miss"), ("product", "hit"), ("catalogue", "miss"), ("catalogue", "hit")}
    assert reads == dict.fromkeys(expected, 1)


@pytest.mark.django_db(transaction=True)
def test_jobs_of_the_worker_are_counted_by_how_they_end(counted):
    jobs = counted("WORKER_JOBS")
    worker = Worker(jobs=(Job(name="well", run=lambda: 1), Job(name="ill", run=lambda: 1 / 0)))
    worker.run_round()
    assert jobs == {("well", "done"): 1, ("ill", "failed"): 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("enabled", [True, False])
def test_connections_to_the_database_are_counted_where_that_is_asked_for(counted, monkeypatch, enabled):
    from django.db.backends.signals import connection_created

    opened = counted("DATABASE_CONNECTIONS")
    monkeypatch.setattr(metrics, "ENABLED", enabled)
    CoreConfig.ready(None)
    try:
        connection_created.send(sender=type(connection), connection=connection)
        assert opened[()] == int(enabled)
    finally:
        connection_created.disconnect(metrics._count_connection)


def test_without_an_address_nothing_is_counted_and_nothing_imported():
    instrument = metrics._instrument("Counter", "never", "made")
    assert isinstance(instrument, metrics.Nothing)
    assert instrument.labels("x") is instrument
    assert [instrument.inc(), instrument.dec(), instrument.observe(1)] == [None] * 3
