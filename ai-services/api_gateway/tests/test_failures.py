"""502, 503 and 504 are distinguished, unsafe requests are never repeated, nothing leaks."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from unittest.mock import Mock

import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway import middleware
from gateway.settings import Settings
from tests.backend import Backend
from tests.conftest import Gateway

Serve = Callable[..., Gateway]
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def problem(result: tuple[http.client.HTTPResponse, bytes]) -> tuple[int, str]:
    """Return status and kind of a problem response, after checking its common fields."""
    response, body = result
    document = json.loads(body)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert document["status"] == response.status
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert document["title"] and document["detail"] and document["instance"].startswith("/")
    return response.status, document["type"].removeprefix("urn:shop:problem:")


def test_a_backend_that_refuses_is_a_502(serve: Serve, closed_port: int) -> None:
    gateway = serve(backend_url=f"http://127.0.0.1:{closed_port}")
    assert problem(gateway.request("GET", "/api/v1/x")) == (502, "backend-unreachable")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_backend_that_breaks_off_is_a_502(gateway: Gateway, method: str) -> None:
    assert problem(gateway.request(method, "/api/v1/breaks")) == (502, "backend-broke-off")


def test_a_backend_that_does_not_answer_is_a_504(serve: Serve) -> None:
    assert problem(serve(deadline_s=0.2).request("GET", "/api/v1/waits")) == (504, "backend-timeout")


def test_a_backend_that_accepts_no_connection_is_a_504(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(4):  # more than the backlog holds: further connections are not accepted
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        gateway = serve(backend_url=f"http://127.0.0.1:{full.getsockname()[1]}", connect_s=0.2)
        assert problem(gateway.request("GET", "/api/v1/x")) == (504, "backend-timeout")
        assert problem(gateway.request("POST", "/api/v1/x", body=b"pay")) == (504, "backend-timeout")


def test_a_backend_that_does_not_read_is_a_504(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        gateway = serve(backend_url=f"http://127.0.0.1:{deaf.getsockname()[1]}", deadline_s=0.5)
        result = gateway.request("POST", "/api/v1/x", body=b"x" * 1_000_000)
        assert problem(result) == (504, "backend-timeout")


@pytest.mark.parametrize("path", ["upgrades", "status?600", "status?999"])
def test_a_status_that_is_not_valid_here_is_a_502(gateway: Gateway, path: str) -> None:
    assert problem(gateway.request("GET", f"/api/v1/{path}")) == (502, "backend-invalid")


def test_a_response_that_is_not_http_is_a_502(gateway: Gateway) -> None:
    assert problem(gateway.request("GET", "/api/v1/invalid")) == (502, "backend-broke-off")


def test_more_requests_than_slots_is_a_503(serve: Serve, backend: Backend) -> None:
    gateway = serve(connections=1)
    first = threading.Thread(target=gateway.request, args=("GET", "/api/v1/waits"))
    first.start()
    assert backend.waiting.acquire(timeout=60)
    result = gateway.request("GET", "/api/v1/x")
    assert problem(result) == (503, "overloaded")
    assert result[0].headers["Retry-After"] == "1"
    assert gateway.request("GET", "/health")[0].status == 200
    backend.release.set()
    first.join()
    assert gateway.request("GET", "/api/v1/x")[0].status == 200


@pytest.mark.parametrize("path", ["breaks-in-the-middle", "stalls-in-the-middle"])
def test_the_client_notices_an_incomplete_response(serve: Serve, path: str) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        serve(idle_s=0.2).request("GET", f"/api/v1/{path}")
    assert caught.value.partial == b"only this"


@pytest.mark.parametrize("body", [b"pay", None])
@pytest.mark.parametrize("method", UNSAFE)
def test_an_unsafe_request_is_never_sent_twice(
    gateway: Gateway, backend: Backend, method: str, body: bytes | None
) -> None:
    assert problem(gateway.request(method, "/api/v1/breaks", body=body)) == (502, "backend-broke-off")
    assert len(backend.seen) == 1


def test_a_get_is_repeated_if_its_pooled_connection_was_closed(gateway: Gateway, backend: Backend) -> None:
    assert [gateway.request("GET", "/api/v1/stale")[0].status for _ in range(3)] == [200, 200, 200]
    assert len(backend.seen) == 5  # the second and the third were repeated on a new connection


@pytest.mark.parametrize("method", UNSAFE)
def test_an_unsafe_request_never_uses_a_pooled_connection(
    gateway: Gateway, backend: Backend, method: str
) -> None:
    assert gateway.request("GET", "/api/v1/stale")[0].status == 200
    assert gateway.request(method, "/api/v1/stale", body=b"pay")[0].status == 200
    assert gateway.request(method, "/api/v1/stale", body=b"pay")[0].status == 200
    assert [seen["method"] for seen in backend.seen] == ["GET", method, method]
    assert len({seen["connection"] for seen in backend.seen}) == 3


def test_safe_requests_reuse_a_connection(gateway: Gateway, backend: Backend) -> None:
    for _ in range(3):
        gateway.request("GET", "/api/v1/x")
    assert len({seen["connection"] for seen in backend.seen}) == 1


def test_a_disconnect_cancels_the_request_to_the_backend(gateway: Gateway, backend: Backend) -> None:
    connection = gateway.connect()
    connection.request("GET", "/api/v1/never-ends")
    response = connection.getresponse()
    assert response.read1(4)
    response.close()
    connection.close()
    assert backend.gone.wait(10)


def test_a_disconnect_during_the_body_is_not_reported_as_a_backend_failure(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gateway.request("GET", "/health")
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.sendall(b"POST /api/v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
    deadline = time.monotonic() + 60
    while "POST /api/v1/x 499" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "POST /api/v1/x 499" in caplog.text
    assert not [record for record in caplog.records if record.name in ("gateway.proxy", "gateway.errors")]


def test_a_request_in_progress_finishes_before_the_gateway_stops(gateway: Gateway, backend: Backend) -> None:
    answers: list[bytes] = []
    client = threading.Thread(target=lambda: answers.append(gateway.request("GET", "/api/v1/waits")[1]))
    client.start()
    assert backend.waiting.acquire(timeout=60)
    gateway.server.should_exit = True
    while gateway.server.servers[0].is_serving():
        pass
    backend.release.set()
    client.join()
    assert answers == [b"released"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("breaks", "no response from the backend: ServerDisconnectedError: "),
        ("breaks-in-the-middle", "response incomplete: ClientPayloadError: "),
        ("stalls-in-the-middle", "response incomplete: TimeoutError"),
        ("status?600", "invalid status from the backend: 600"),
    ],
)
def test_the_log_says_what_the_backend_did(
    serve: Serve, caplog: pytest.LogCaptureFixture, path: str, line: str
) -> None:
    with contextlib.suppress(http.client.IncompleteRead):
        serve(idle_s=0.2).request("GET", f"/api/v1/{path}")
    (record,) = [record for record in caplog.records if record.name == "gateway.proxy"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(line)


def test_our_own_error_is_a_500_that_tells_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(middleware, "_apply_origin", lambda _: 1 / 0)
    response, body = gateway.request("GET", "/health")
    assert problem((response, body)) == (500, "internal")
    assert b"division" not in body and b"ZeroDivision" not in body
    assert "GET /health failed" in caplog.messages
    assert "ZeroDivisionError" in caplog.text


def test_a_problem_that_fails_while_it_is_written_is_a_500(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(middleware, "problem_response", lambda *_: 1 / 0)
    assert problem(gateway.request("TRACE", "/health")) == (500, "internal")
    assert "ZeroDivisionError" in caplog.text


def test_a_request_that_takes_longer_than_the_gateway_may_take_to_stop_is_a_503(
    serve: Serve, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gateway = serve(graceful_s=0)
    with contextlib.closing(gateway.connect()) as client:
        client.request("POST", "/api/v1/waits", b"pay")
        assert backend.waiting.acquire(timeout=60)
        gateway.server.should_exit = True
        response = client.getresponse()
        assert problem((response, response.read())) == (503, "stopping")
    gateway.stop()
    assert any(message.startswith("POST /api/v1/waits 503 in ") for message in caplog.messages)


def test_a_response_that_has_begun_is_not_answered_a_second_time() -> None:
    sent: list[Message] = []

    async def breaks_off(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 502, "headers": []})
        raise ZeroDivisionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/health",
        "raw_path": b"/health",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"h")],
        "client": ("192.0.2.1", 1),
        "state": {"connection": Mock(), "settings": Settings()},
    }
    asyncio.run(middleware.RequestMiddleware(breaks_off)(scope, Mock(), send))
    assert [message["type"] for message in sent] == ["http.response.start"]
