"""Heads without an end cost neither memory nor the time of others."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import psutil
import pytest

from abuse import http1
from abuse.conftest import Shop
from unprotected.protection import Cut, protected_by

SENT_BYTES = 100 * 1024 * 1024
GROWTH_BYTES = 32 * 1024 * 1024
START = b"GET /api/v1/products HTTP/1.1\r\nHost: localhost\r\n"
ATTACKS = {
    "many lines": (START, b"X-Filler: 0123456789\r\n" * 3000, 431),
    "one line": (START + b"X-Filler: ", b"x" * 65536, 431),
    "one target": (b"GET /", b"x" * 65536, 414),
}


@protected_by(
    "a head that does not end is refused while it arrives",
    Cut(
        "ai-services/api_gateway/gateway/server.py",
        "h11_max_incomplete_event_size=HEAD_BYTES",
        "h11_max_incomplete_event_size=10**9",
    ),
    any_case=True,
)
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_head_without_an_end_is_refused_with_flat_memory(shop: Shop, attack: str) -> None:
    start, filler, status = ATTACKS[attack]
    process = psutil.Process(shop.gateway.pid)
    before = process.memory_info().rss
    with http1.connect(shop.gateway.port) as client:
        sender = threading.Thread(target=_flood, args=(client, start, filler))
        sender.start()
        while sender.is_alive():
            assert http1.ask(shop.gateway.port, "GET", "/health").status == 200
            assert process.memory_info().rss - before < GROWTH_BYTES
        sender.join()
        with suppress(ConnectionResetError):
            (response,) = http1.parse(http1.read_all(client))
            assert (response.status, response.is_problem()) == (status, True)


def _flood(client: socket.socket, start: bytes, filler: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(start)
        for _ in range(SENT_BYTES // len(filler)):
            client.sendall(filler)


@pytest.mark.parametrize("count", [101, 5000])
def test_more_than_100_fields_are_refused(shop: Shop, count: int) -> None:
    fields = [f"X-{number}: 1" for number in range(count - 2)]
    (response,) = http1.exchange(
        shop.gateway.port, http1.head("GET", "/health", *fields, "Connection: close")
    )
    assert (response.status, response.is_problem()) == (431, True)


@protected_by(
    "a body that does not end is refused",
    Cut("ai-services/api_gateway/gateway/proxy/body.py", "if len(body) > LIMIT_BYTES:", "if False:"),
    Cut("ai-services/api_gateway/gateway/proxy/body.py", "memory.take(len(chunk))"),
)
def test_a_body_without_an_end_is_refused_with_flat_memory(shop: Shop) -> None:
    process = psutil.Process(shop.gateway.pid)
    before = process.memory_info().rss
    head = http1.head("POST", "/api/v1/accounts/login", "Transfer-Encoding: chunked")
    with http1.connect(shop.gateway.port) as client:
        _flood(client, head, b"10000\r\n" + b"x" * 65536 + b"\r\n")
        with suppress(ConnectionResetError):
            (response,) = http1.parse(http1.read_all(client))
            assert (response.status, response.is_problem()) == (413, True)
    assert process.memory_info().rss - before < GROWTH_BYTES
