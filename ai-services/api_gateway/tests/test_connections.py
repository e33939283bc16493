"""Deadlines and limits of a connection, and HTTP that is invalid or unusual."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import pytest

from gateway.connections.refusal import HEAD_BYTES
from tests import raw
from tests.backend import Backend
from tests.conftest import Gateway

Serve = Callable[..., Gateway]
CLOSE = b"Connection: close\r\n\r\n"


def connect(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=raw.TIMEOUT_S)


def test_a_connection_without_a_request_is_closed(serve: Serve) -> None:
    with connect(serve(head_s=0.2)) as client:
        assert client.recv(100) == b""


def test_a_head_that_does_not_end_is_a_408(serve: Serve) -> None:
    with connect(serve(head_s=0.2)) as client:
        client.sendall(raw.HEAD)
        (response,) = raw.parse(raw.read_all(client))
    assert (response.status, response.problem) == (408, "request-timeout")


@pytest.mark.parametrize("begun", [b"G", b"GET"])
def test_a_slow_second_request_is_a_408_too(serve: Serve, begun: bytes) -> None:
    with connect(serve(head_s=0.2)) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        client.sendall(begun)
        assert b"HTTP/1.1 408 " in raw.read_all(client)


def test_a_connection_may_be_idle_between_requests(serve: Serve) -> None:
    with connect(serve(head_s=0.2)) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        received = b""
        while not received.endswith(b"}"):  # head and body may come one after the other
            received += client.recv(65536)
        assert received.startswith(b"HTTP/1.1 200")
        client.settimeout(1)
        with pytest.raises(TimeoutError):
            client.recv(1)


@pytest.mark.parametrize(
    ("head", "status", "kind"),
    [
        (raw.HEAD + b"X: " + b"x" * 70_000 + b"\r\n" + CLOSE, 431, "headers-too-large"),
        (raw.HEAD + b"X: 1\r\n" * 99 + CLOSE, 431, "headers-too-large"),
        (
            raw.HEAD + b"".join(b"X: %s\r\n" % (b"x" * 1000) for _ in range(66)) + CLOSE,
            431,
            "headers-too-large",
        ),
        (raw.HEAD + b"X: 1\r\n" * 400_000, 431, "headers-too-large"),
        (raw.HEAD + b"X: " + b"x" * 1_000_000, 431, "headers-too-large"),
        (b"GET /api/v1/" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n" + CLOSE, 414, "uri-too-long"),
        (b"GET /api/v1/" + b"x" * 1_000_000, 414, "uri-too-long"),
    ],
    ids=["field", "fields", "sum", "endless fields", "endless field", "target", "endless target"],
)
def test_a_head_has_a_limit(gateway: Gateway, backend: Backend, head: bytes, status: int, kind: str) -> None:
    (response,) = raw.send(gateway.port, head)
    assert (response.status, response.problem) == (status, kind)
    assert not backend.seen


def test_a_head_of_exactly_100_fields_is_accepted(gateway: Gateway) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: h\r\n" + b"X: 1\r\n" * 98 + CLOSE
    (response,) = raw.send(gateway.port, head)
    assert response.status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NOT HTTP AT ALL\r\n\r\n",
        b"GET /api/v1/x HTTP/1.1\r\n" + CLOSE,
        b"GET /api/v1/x HTTP/1.0\r\n\r\n",
        raw.HEAD + b"Host: other\r\n" + CLOSE,
        b"GET /api/v1/x HTTP/1.1\r\nHost: a b\r\n" + CLOSE,
        raw.HEAD + b"Bad Name: 1\r\n" + CLOSE,
        raw.HEAD + b"Content-Length: -1\r\n" + CLOSE,
        raw.HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n" + CLOSE,
        raw.HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"0\r\n\r\n",
        raw.HEAD + b"Transfer-Encoding: gzip\r\n" + CLOSE,
        raw.HEAD + b"Transfer-Encoding: chunked\r\n" + CLOSE + b"not a size\r\n",
        b"GET /api/v1/x#part HTTP/1.1\r\nHost: h\r\n" + CLOSE,
    ],
)
def test_invalid_http_is_a_problem(gateway: Gateway, backend: Backend, request_bytes: bytes) -> None:
    (response,) = raw.send(gateway.port, request_bytes)
    assert (response.status, response.problem) == (400, "bad-request")
    assert response.headers["connection"] == "close"
    assert not backend.seen


@pytest.mark.parametrize("line", [b"PRI * HTTP/2.0", b"GET /health HTTP/9.9", b"GET /health HTTP/0.9"])
def test_another_version_of_http_is_a_505(gateway: Gateway, line: bytes) -> None:
    (response,) = raw.send(gateway.port, line + b"\r\nHost: h\r\n\r\nSM\r\n\r\n")
    assert (response.status, response.problem) == (505, "version-not-supported")


def test_invalid_http_after_a_request_is_a_problem_too(gateway: Gateway) -> None:
    good, bad = raw.send(gateway.port, raw.HEAD + b"\r\nNOT HTTP\r\n\r\n")
    assert (good.status, good.body) == (200, b"default response")
    assert (bad.status, bad.problem) == (400, "bad-request")


def test_the_body_of_one_request_does_not_count_as_the_head_of_the_next(gateway: Gateway) -> None:
    body = b"x" * 100_000
    head = b"POST /api/v1/x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with connect(gateway) as client:
        client.sendall(head % len(body))
        assert client.recv(65536).startswith(b"HTTP/1.1 100 ")
        client.sendall(body)
        received = b""
        while not received.endswith(b"default response"):
            received += client.recv(65536)
        client.sendall(b"NOT HTTP\r\n\r\n")
        (response,) = raw.parse(raw.read_all(client))
    assert (response.status, response.problem) == (400, "bad-request")


@pytest.mark.parametrize("earlier", [0, 1], ids=["first request", "second request"])
def test_an_invalid_head_is_too_large_only_beyond_the_limit(gateway: Gateway, earlier: int) -> None:
    begin, end = raw.HEAD + b"X: ", b"\r\nNo colon\r\n\r\n"
    head = begin + b"x" * (HEAD_BYTES - len(begin) - len(end)) + end
    with connect(gateway) as client:
        for _ in range(earlier):
            client.sendall(raw.HEAD + b"\r\n")
            received = b""
            while not received.endswith(b"default response"):
                received += client.recv(65536)
        client.sendall(head)
        (response,) = raw.parse(raw.read_all(client))
    assert (response.status, response.problem) == (400, "bad-request")


@pytest.mark.parametrize(
    ("head", "status"),
    [(b"GET /api/v1/" + b"x" * 1_000_000, 414), (raw.HEAD + b"X: " + b"x" * 1_000_000, 431)],
)
def test_the_head_of_a_second_request_has_the_same_limits(gateway: Gateway, head: bytes, status: int) -> None:
    with connect(gateway) as client:
        client.sendall(raw.HEAD + b"\r\n")
        received = b""
        while not received.endswith(b"default response"):
            received += client.recv(65536)
        with contextlib.suppress(ConnectionError):
            client.sendall(head)
        (response,) = raw.parse(raw.read_all(client))
    assert response.status == status


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
def test_an_upgrade_is_ignored_and_does_not_change_the_framing(
    gateway: Gateway, backend: Backend, protocol: bytes
) -> None:
    smuggled = b"DELETE /api/v1/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    head = (
        b"POST /api/v1/x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\n"
    )
    framing = b"Upgrade: %s\r\nContent-Length: %d\r\n\r\n" % (protocol, len(smuggled))
    last = raw.HEAD + CLOSE
    first, second = raw.send(gateway.port, head + framing + smuggled + last)
    assert (first.status, second.status) == (200, 200)
    assert [(seen["method"], seen["path"]) for seen in backend.seen] == [
        ("POST", "/api/v1/x"),
        ("GET", "/api/v1/x"),
    ]
    assert backend.seen[0]["body"] == smuggled
    assert not {"upgrade", "http2-settings", "connection"} & dict(backend.seen[0]["headers"]).keys() - {
        "connection"
    }


def test_connect_is_a_405(gateway: Gateway, backend: Backend) -> None:
    (response,) = raw.send(gateway.port, b"CONNECT backend:8000 HTTP/1.1\r\nHost: backend:8000\r\n" + CLOSE)
    assert (response.status, response.problem) == (405, "method-not-allowed")
    assert "GET" in response.headers["allow"]
    assert not backend.seen


@pytest.mark.parametrize("method", [b"TRACE", b"PROPFIND"])
def test_an_unknown_method_is_a_405(gateway: Gateway, backend: Backend, method: bytes) -> None:
    (response,) = raw.send(gateway.port, method + b" /api/v1/x HTTP/1.1\r\nHost: h\r\n" + CLOSE)
    assert (response.status, response.problem) == (405, "method-not-allowed")
    assert not backend.seen


def test_trailers_never_become_headers(gateway: Gateway, backend: Backend) -> None:
    head = b"POST /api/v1/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" + CLOSE
    (response,) = raw.send(
        gateway.port, head, b"3\r\nabc\r\n0\r\nAuthorization: Bearer t\r\nX-Sum: 1\r\n\r\n"
    )
    assert response.status == 200
    assert backend.seen[0]["body"] == b"abc"
    assert not {"authorization", "x-sum"} & dict(backend.seen[0]["headers"]).keys()


def test_a_target_in_absolute_form_names_path_and_host(gateway: Gateway, backend: Backend) -> None:
    (response,) = raw.send(
        gateway.port,
        b"GET http://shop.example/api/v1/x?a=1 HTTP/1.1\r\nAccept: text/x\r\nHost: other\r\nX-A: 1\r\n"
        + CLOSE,
    )
    assert response.status == 200
    assert backend.seen[0]["path"] == "/api/v1/x?a=1"
    seen = dict(backend.seen[0]["headers"])
    assert (seen["accept"], seen["x-forwarded-host"], seen["x-a"]) == ("text/x", "shop.example", "1")


def test_a_client_that_does_not_read_is_disconnected(serve: Serve, backend: Backend) -> None:
    with connect(serve(idle_s=0.3)) as client:
        client.sendall(b"GET /api/v1/floods HTTP/1.1\r\nHost: h\r\n\r\n")
        assert backend.gone.wait(raw.TIMEOUT_S)


def test_a_response_that_never_ends_is_cut_off(serve: Serve, backend: Backend) -> None:
    with connect(serve(response_s=0.3)) as client:
        client.sendall(b"GET /api/v1/never-ends HTTP/1.1\r\nHost: h\r\n\r\n")
        received = raw.read_all(client)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert not received.endswith(b"0\r\n\r\n")
    assert backend.gone.wait(raw.TIMEOUT_S)
