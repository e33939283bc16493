"""Health and readiness."""

import time
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from django.db import connection

from core import dependencies


def test_health_says_exactly_this_without_asking_the_database(client):
    response = client.get("/health/")
    assert response.status_code == 200
    assert response.json() == {"status": "healthy", "service": "backend"}


@pytest.mark.django_db(transaction=True)
def test_readiness_names_the_database_and_its_latency(client):
    body = client.get("/health/ready/").json()
    assert body["status"] == "ready"
    assert body["dependencies"]["database"]["status"] == "up"
    assert body["dependencies"]["database"]["latency_ms"] >= 0


@pytest.mark.django_db(transaction=True)
def test_redis_down_is_degraded_not_dead(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/health/ready/")
    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["down"] == ["redis"]


@pytest.mark.django_db(transaction=True)
def test_database_down_is_503_and_named(client, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("connection refused")

    monkeypatch.setattr(connection, "cursor", refuse)
    response = client.get("/health/ready/")
    assert response.status_code == 503
    assert response.json()["down"] == ["database"]
    assert "connection refused" in response.json()["dependencies"]["database"]["error"]


@pytest.mark.parametrize("path", ["/health/", "/health/ready/"])
def test_health_is_asked_for_and_changed_by_nobody(client, path):
    response = client.post(path)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.django_db(transaction=True)
def test_readiness_is_never_cached(client):
    assert client.get("/health/ready/")["Cache-Control"] == "no-store"


def test_a_dependency_that_is_slow_says_how_slow():
    status = dependencies._check("database", True, lambda: time.sleep(0.05))
    assert 50 <= status.latency_ms < 5000
    assert status.body() == {"status": "up", "required": True, "latency_ms": status.latency_ms}


@pytest.mark.parametrize(
    ("required", "error", "expected"),
    [(True, "x", "unavailable"), (False, "x", "degraded"), (True, "", "ready"), (False, "", "ready")],
)
def test_only_what_is_required_makes_the_shop_unavailable(required, error, expected):
    one = dependencies.DependencyStatus(name="one", required=required, latency_ms=1.0, error=error)
    report = dependencies.Readiness(dependencies=(one,))
    assert report.body()["status"] == expected
    assert report.http_status == (503 if expected == "unavailable" else 200)


def test_an_error_of_several_lines_is_named_by_its_first():
    def fail():
        raise ValueError("first\nsecond")

    assert dependencies._check("redis", False, fail).body()["error"] == "ValueError: first"


@pytest.mark.django_db(transaction=True)
def test_redis_is_up_where_it_answers(client, redis_server):
    body = client.get("/health/ready/").json()
    assert (body["status"], body["down"]) == ("ready", [])
    assert {name: one["required"] for name, one in body["dependencies"].items()} == {
        "database": True,
        "redis": False,
    }


@pytest.mark.django_db(transaction=True)
def test_redis_is_down_where_it_hangs(client, redis_server, monkeypatch):
    monkeypatch.setattr(dependencies, "TIMEOUT_S", 0.1)
    with redis_server.hanging():
        assert client.get("/health/ready/").json()["down"] == ["redis"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_connections_and_no_questions_is_down(client, monkeypatch):
    cursor = MagicMock()
    cursor.__enter__.return_value.execute.side_effect = OSError("the session was ended")
    monkeypatch.setattr(connection, "cursor", lambda: cursor)
    assert client.get("/health/ready/").json()["down"] == ["database"]


def test_a_check_tells_milliseconds(monkeypatch):
    moments = iter((10.0, 33.123456))
    monkeypatch.setattr(dependencies, "time", SimpleNamespace(perf_counter=moments.__next__))
    assert dependencies._check("database", True, lambda: None).latency_ms == 23123.46
