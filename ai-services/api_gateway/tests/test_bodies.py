"""Request bodies: read in full before anything else is taken, bounded in size, time and memory."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

import pytest

from gateway.problems import Problem
from gateway.proxy import body
from gateway.proxy.shares import Shares
from tests import raw
from tests.backend import Backend
from tests.conftest import Gateway

MEBIBYTE = 1024 * 1024
Serve = Callable[..., Gateway]
POST = b"POST /api/v1/orders HTTP/1.1\r\nHost: h\r\n"


def test_a_chunked_body_arrives_as_a_whole_with_its_length(gateway: Gateway, backend: Backend) -> None:
    gateway.request("POST", "/api/v1/orders", body=iter([b"one", b"two"]), encode_chunked=True)
    seen = backend.seen[-1]
    assert seen["body"] == b"onetwo"
    assert dict(seen["headers"])["content-length"] == "6"
    assert "transfer-encoding" not in dict(seen["headers"])


def test_a_body_of_one_mebibyte_is_forwarded(gateway: Gateway, backend: Backend) -> None:
    response, _ = gateway.request("POST", "/api/v1/orders", body=b"x" * MEBIBYTE)
    assert response.status == 200
    assert len(backend.seen[-1]["body"]) == MEBIBYTE


def test_a_larger_body_is_a_413_before_it_is_sent(gateway: Gateway, backend: Backend) -> None:
    (response,) = raw.send(gateway.port, POST + b"Content-Length: 1048577\r\n\r\n")
    assert (response.status, response.problem) == (413, "too-large")
    assert b"larger than 1024 KiB" in response.body
    assert response.headers["connection"] == "close"
    assert not backend.seen


def test_a_client_that_expects_100_continue_is_told_413_instead(gateway: Gateway) -> None:
    (response,) = raw.send(gateway.port, POST + b"Content-Length: 1048577\r\nExpect: 100-continue\r\n\r\n")
    assert response.status == 413


def test_a_client_that_expects_100_continue_may_send(gateway: Gateway, backend: Backend) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=raw.TIMEOUT_S) as client:
        client.sendall(POST + b"Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"abc")
        (response,) = raw.parse(raw.read_all(client))
    assert response.status == 200
    assert backend.seen[-1]["body"] == b"abc"


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_client_can_send_the_whole_of_a_large_body_and_read_the_413(
    gateway: Gateway, backend: Backend, framing: str
) -> None:
    """An ordinary client sends everything before it reads: a reset would hide the response from it."""
    parts = [b"x" * 1_000_000] * 8
    body = b"".join(parts) if framing == "length" else iter(parts)
    response, document = gateway.request(
        "POST", "/api/v1/orders", body=body, encode_chunked=framing == "chunks"
    )
    assert (response.status, response.headers["Connection"]) == (413, "close")
    assert b"urn:shop:problem:too-large" in document
    assert not backend.seen


def test_a_slow_body_is_a_408(serve: Serve, backend: Backend) -> None:
    (response,) = raw.send(serve(body_s=0.2).port, POST + b"Content-Length: 10\r\n\r\nhalf")
    assert (response.status, response.problem) == (408, "request-timeout")
    assert not backend.seen


def test_a_slow_body_takes_no_slot(serve: Serve, backend: Backend) -> None:
    gateway = serve(connections=1)
    with socket.create_connection(("127.0.0.1", gateway.port)) as slow:
        slow.sendall(POST + b"Content-Length: 10\r\n\r\nhalf")
        assert gateway.request("GET", "/api/v1/x")[0].status == 200
    assert [seen["path"] for seen in backend.seen] == ["/api/v1/x"]


def test_an_error_before_the_end_of_the_body_closes_the_connection(gateway: Gateway) -> None:
    smuggled = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
    head = b"POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"
    (response,) = raw.send(gateway.port, head + smuggled)
    assert (response.status, response.headers["connection"]) == (405, "close")


def test_one_client_gets_its_share_at_most() -> None:
    shares = Shares(4, 2)
    with shares.open("one") as one, shares.open("one") as again, shares.open("other") as other:
        one.take(1)
        again.take(1)
        with pytest.raises(Problem) as caught:
            one.take(1)
        assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
        other.take(2)
    with shares.open("one") as one:
        one.take(2)


def test_all_clients_together_get_the_total_at_most() -> None:
    shares = Shares(4, 3)
    with contextlib.ExitStack() as held:
        for client in ("a", "b"):
            held.enter_context(shares.open(client)).take(2)
        with pytest.raises(Problem):
            held.enter_context(shares.open("c")).take(1)
    with shares.open("c") as share:
        share.take(3)


class Deadline:
    """Stands in for asyncio.timeout: remembers the moments that it was put off to."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    async def __aenter__(self) -> Deadline:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    def reschedule(self, moment: float) -> None:
        self.moments.append(moment)


@pytest.mark.parametrize(("deadline_s", "expected_s"), [(100.0, [11.0, 13.0]), (12.0, [11.0, 12.0])])
def test_each_kibibyte_gives_a_body_another_second(
    monkeypatch: pytest.MonkeyPatch, deadline_s: float, expected_s: list[float]
) -> None:
    deadline, chunks = Deadline(), iter([b"x" * 1024, b"x" * 2048])
    monkeypatch.setattr(body, "GRACE_S", (10.0, 10.0))
    monkeypatch.setattr(asyncio, "timeout", lambda _: deadline)

    async def receive() -> dict[str, object]:
        chunk = next(chunks)
        return {"type": "http.request", "body": chunk, "more_body": len(chunk) == 1024}

    async def read() -> tuple[float, float]:
        began = asyncio.get_running_loop().time()
        with Shares(MEBIBYTE, MEBIBYTE).open("a") as share:
            await body.read_body(receive, [], deadline_s=deadline_s, memory=share)
        return began, asyncio.get_running_loop().time()

    began, ended = asyncio.run(read())
    for moment, allowed_s in zip(deadline.moments, expected_s, strict=True):
        assert began - 0.001 <= moment - allowed_s <= ended + 0.001
