"""Liveness, readiness, and the dependencies that are down."""

from __future__ import annotations

import asyncio
import json
import socketserver
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from gateway.health import dependencies
from gateway.health.schemas import Dependency, Readiness
from tests.backend import Backend
from tests.conftest import Gateway

Serve = Callable[..., Gateway]


REPLIES = {b"PING": b"+PONG\r\n", b"HELLO": b"%1\r\n+proto\r\n:3\r\n"}


class Redis(socketserver.StreamRequestHandler):
    """The part of the Redis protocol that a PING needs; a command is an array of bulk strings."""

    def handle(self) -> None:
        while head := self.rfile.readline():
            words = [self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]
            self.wfile.write(REPLIES.get(words[0], b"+OK\r\n"))


@pytest.fixture
def redis_url() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Redis) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()
        thread.join()


def test_liveness_checks_no_dependency(serve: Serve, backend: Backend, closed_port: int) -> None:
    gateway = serve(redis_url=f"redis://127.0.0.1:{closed_port}/0")
    response, body = gateway.request("GET", "/health")
    assert response.status == 200
    assert json.loads(body) == {"status": "healthy", "service": "api-gateway"}
    assert not backend.seen


def test_readiness_names_every_dependency_with_its_latency(serve: Serve, redis_url: str) -> None:
    response, body = serve(redis_url=redis_url).request("GET", "/health/ready")
    document = json.loads(body)
    assert (response.status, document["status"], document["down"]) == (200, "ready", [])
    assert set(document["dependencies"]) == {"backend", "redis"}
    assert all(part["latency_ms"] > 0 for part in document["dependencies"].values())


def test_without_redis_the_gateway_is_degraded_but_ready(serve: Serve, closed_port: int) -> None:
    response, body = serve(redis_url=f"redis://127.0.0.1:{closed_port}/0").request("GET", "/health/ready")
    document = json.loads(body)
    assert (response.status, document["status"], document["down"]) == (200, "degraded", ["redis"])
    redis, backend = document["dependencies"]["redis"], document["dependencies"]["backend"]
    assert redis["error"]
    assert (redis["required"], backend["required"], backend["status"]) == (False, True, "up")


def test_a_backend_that_is_down_is_named(serve: Serve, closed_port: int) -> None:
    response, body = serve(backend_url=f"http://127.0.0.1:{closed_port}").request("GET", "/health/ready")
    document = json.loads(body)
    assert (response.status, document["status"], document["down"]) == (503, "unavailable", ["backend"])


def test_readiness_names_what_the_backend_lacks(gateway: Gateway, backend: Backend) -> None:
    backend.down = ["database"]
    response, body = gateway.request("GET", "/health/ready")
    error = json.loads(body)["dependencies"]["backend"]["error"]
    assert (response.status, error) == (503, "DependencyUnavailable: HTTP 503, down: database")


def test_redis_is_not_checked_without_a_redis_url(gateway: Gateway) -> None:
    _, body = gateway.request("GET", "/health/ready")
    assert set(json.loads(body)["dependencies"]) == {"backend"}


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_health_supports_head(gateway: Gateway, path: str) -> None:
    response, body = gateway.request("HEAD", path)
    assert (response.status, body) == (200, b"")


def test_the_documentation_needs_no_internet(gateway: Gateway) -> None:
    response, page = gateway.request("GET", "/docs")
    assert response.status == 200
    assert b"https://" not in page
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        path = f"/static-offline-docs/{file}"
        assert path.encode() in page
        assert gateway.request("GET", path)[0].status == 200
    _, described = gateway.request("GET", "/openapi.json")
    statuses = {
        (method, path): set(operation["responses"])
        for path, operations in json.loads(described)["paths"].items()
        for method, operation in operations.items()
    }
    assert statuses == {("get", "/health"): {"200"}, ("get", "/health/ready"): {"200", "503"}}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", "/health", 405)])
def test_an_error_of_the_gateway_is_a_problem(gateway: Gateway, method: str, path: str, status: int) -> None:
    response, body = gateway.request(method, path)
    document = json.loads(body)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status, document["status"], document["instance"]) == (status, status, path)


def test_questions_at_the_same_moment_are_one_check_and_one_who_leaves_ends_it_for_nobody() -> None:
    checks: list[Readiness] = []

    async def scenario() -> None:
        release = asyncio.Event()

        async def check() -> Readiness:
            checks.append(Readiness(status="ready", down=[], dependencies={}))
            await release.wait()
            return checks[-1]

        shared = dependencies.SharedReadiness(check)
        first, *others = (asyncio.create_task(shared.get()) for _ in range(5))
        await asyncio.sleep(0.01)
        first.cancel()
        release.set()
        assert await asyncio.gather(*others) == [checks[0]] * 4
        assert first.cancelled()
        assert await shared.get() is checks[1]

    asyncio.run(scenario())
    assert len(checks) == 2


def dependency(status: str, *, required: bool) -> Dependency:
    return Dependency(status=status, required=required, latency_ms=1.0, error="" if status == "up" else "x")


@pytest.mark.parametrize(
    ("backend_is", "redis_is", "status", "down"),
    [
        ("up", "up", "ready", []),
        ("up", "down", "degraded", ["redis"]),
        ("down", "up", "unavailable", ["backend"]),
        ("down", "down", "unavailable", ["backend", "redis"]),
    ],
)
def test_only_what_is_required_makes_the_gateway_unavailable(
    backend_is: str, redis_is: str, status: str, down: list[str]
) -> None:
    both = {
        "backend": dependency(backend_is, required=True),
        "redis": dependency(redis_is, required=False),
    }
    summary = dependencies.summarize(both)
    assert (summary.status, summary.down, summary.dependencies) == (status, down, both)


def measured(check: Callable[[], Awaitable[None]]) -> Dependency:
    return asyncio.run(dependencies._measure(check, required=False))


def test_a_check_tells_how_long_it_took_and_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise ValueError("first\nsecond")

    slow = measured(lambda: asyncio.sleep(0.05))
    assert 50 <= slow.latency_ms < 3000
    assert (slow.status, slow.required, slow.error) == ("up", False, "")
    failed = measured(fail)
    assert (failed.status, failed.error) == ("down", "ValueError: first")
    monkeypatch.setattr(dependencies, "TIMEOUT_S", 0.01)
    assert measured(lambda: asyncio.sleep(30)).error == "no response within 0.01 s"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"down": ["database", "redis"]}', ", down: database, redis"),
        (b'{"down": []}', ""),
        (b'{"down": "database"}', ""),
        (b"[]", ""),
        (b"{}", ""),
        (b"no json", ""),
    ],
)
def test_what_the_backend_lacks_is_named_where_it_says_so(body: bytes, text: str) -> None:
    assert dependencies._down_in(body) == text
