"""Alive and ready, each with the names of what it needs."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from shop import Service, stores


def test_backend_is_alive(backend: Service) -> None:
    response = backend.get("/health/")
    assert (response.status_code, response.json()) == (200, {"status": "healthy", "service": "backend"})


def test_gateway_is_alive(gateway: Service) -> None:
    response = gateway.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "healthy", "service": "api-gateway"})


@pytest.mark.parametrize("path", ["/health/", "/health/ready/"])
def test_backend_health_can_be_asked_without_a_body(backend: Service, path: str) -> None:
    response = backend.ask("HEAD", path)
    assert (response.status_code, response.content) == (200, b"")


def test_backend_is_ready_with_its_database_and_redis(backend: Service) -> None:
    response = backend.get("/health/ready/")
    document = response.json()
    assert (response.status_code, document["status"], document["down"]) == (200, "ready", [])
    assert {"database", "redis"} <= document["dependencies"].keys()
    assert all(part["status"] == "up" for part in document["dependencies"].values())
    assert all(part["latency_ms"] >= 0 for part in document["dependencies"].values())


def test_gateway_is_ready_with_its_backend_and_redis(gateway: Service) -> None:
    response = gateway.get("/health/ready")
    document = response.json()
    assert (response.status_code, document["status"], document["down"]) == (200, "ready", [])
    assert {"backend", "redis"} <= document["dependencies"].keys()
    assert all(part["latency_ms"] >= 0 for part in document["dependencies"].values())


def test_readiness_is_never_kept_by_a_cache(backend: Service, gateway: Service) -> None:
    assert backend.get("/health/ready/").headers["Cache-Control"] == "no-store"
    assert gateway.get("/health/ready").headers["Cache-Control"] == "no-store"


def test_the_named_stores_answer_in_their_protocol() -> None:
    """Without a driver: Postgres answers an SSLRequest with a letter, Redis a PING with PONG or NOAUTH."""
    questions = {
        "postgresql": (5432, b"\x00\x00\x00\x08\x04\xd2\x16\x2f", (b"S", b"N")),
        "redis": (6379, b"PING\r\n", (b"+PONG", b"-NOAUTH")),
    }
    for name, url in stores().items():
        parts = urlsplit(url)
        if parts.scheme in questions:
            port, question, answers = questions[parts.scheme]
            with socket.create_connection(
                (parts.hostname or "", parts.port or port), timeout=5
            ) as connection:
                connection.sendall(question)
                assert connection.recv(64).startswith(answers), name
