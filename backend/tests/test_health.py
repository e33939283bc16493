"""Health and readiness."""

import pytest
from django.db import connection


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
