"""Slow clients cost the shop nothing but a socket."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import psutil

from abuse import http1, services
from abuse.conftest import Shop, Start
from abuse.services import Process
from crashes.processes import until
from unprotected.protection import Cut, protected_by
from unprotected.services.gateway import ENDPOINT, READ_FIRST, SLOT_FIRST

GATEWAY = "ai-services/api_gateway/gateway"

SLOW = 50
OTHERS = 8
LOGIN = http1.head("POST", "/api/v1/accounts/login", "Content-Type: application/json", "Content-Length: 60")


@protected_by("a body is read before a slot is taken", Cut(ENDPOINT, READ_FIRST, SLOT_FIRST))
def test_slow_bodies_do_not_stop_the_shop(shop: Shop) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(http1.connect(shop.gateway.port)) for _ in range(SLOW)]
        for client in slow:
            client.sendall(LOGIN + b'{"email": "')
        for character in b"a@example":
            for client in slow:
                client.sendall(bytes([character]))
            assert http1.ask(shop.gateway.port, "GET", "/api/v1/products?limit=1").status == 200
        statuses = [http1.ask(shop.gateway.port, "GET", "/api/v1/categories").status for _ in range(OTHERS)]
    assert statuses == [200] * OTHERS


def test_a_slow_body_never_reaches_the_backend(shop: Shop) -> None:
    before = _connections(shop.backend.port)
    with http1.connect(shop.gateway.port) as client:
        client.sendall(LOGIN + b'{"email": "')
        assert http1.ask(shop.gateway.port, "GET", "/health").status == 200
        assert _connections(shop.backend.port) <= before


def _connections(port: int) -> int:
    return sum(
        link.status == "ESTABLISHED" and getattr(link.laddr, "port", 0) == port
        for link in psutil.net_connections("tcp")
    )


@protected_by(
    "idle and half-sent connections are closed after a deadline",
    Cut(
        f"{GATEWAY}/connections/protocol.py",
        "self._loop.call_later(self._head_s, self._on_deadline)",
        "None",
    ),
)
def test_idle_and_half_sent_connections_are_closed(shop: Shop, start: Start) -> None:
    gateway = start(services.gateway, shop.backend, REQUEST_HEAD_S="1.5", REQUEST_BODY_S="1.5")
    with ExitStack() as stack:
        idle, half, body = (stack.enter_context(http1.connect(gateway.port)) for _ in range(3))
        half.sendall(b"GET /health HTTP/1.1\r\nHost:")
        body.sendall(LOGIN + b"{")
        assert http1.read_all(idle) == b""
        for client in (half, body):
            (response,) = http1.parse(http1.read_all(client))
            assert (response.status, response.is_problem()) == (408, True)
        until(lambda: _connections(gateway.port) == 0, "all connections are closed")


@protected_by(
    "one client has its share of the slots",
    Cut(f"{GATEWAY}/proxy/shares.py", " or self._taken[client] + amount > self._per_client", ""),
)
def test_one_client_cannot_take_all_slots(start: Start) -> None:
    """The backend's worker is stopped, so that every slot stays taken."""
    backend = start(services.backend)
    gateway = start(services.gateway, backend, BACKEND_CONNECTIONS="4")
    workers = psutil.Process(backend.pid).children()
    for worker in workers:
        os.kill(worker.pid, signal.SIGSTOP)
    request = http1.head("GET", "/api/v1/products?limit=1", "Connection: close")
    with ExitStack() as stack:
        greedy = [stack.enter_context(_send_request(gateway.port, request, "127.0.0.2")) for _ in range(2)]
        until(lambda: _connections(backend.port) >= len(greedy), "two requests are in progress")
        refused = http1.ask(gateway.port, "GET", "/api/v1/products?limit=1", source="127.0.0.2")
        other = stack.enter_context(_send_request(gateway.port, request, "127.0.0.3"))
        for worker in workers:
            os.kill(worker.pid, signal.SIGCONT)
        responses = [http1.parse(http1.read_all(client))[0] for client in (*greedy, other)]
    assert (refused.status, refused.headers.get("retry-after"), refused.is_problem()) == (503, "1", True)
    assert [response.status for response in responses] == [200, 200, 200]


@protected_by(
    "a request keeps its slot while the backend works on it, whoever left",
    Cut(
        ENDPOINT,
        "                async with (\n",
        "                async with (\n                    cancel_on_disconnect(receive),\n",
    ),
)
def test_one_client_that_sends_and_leaves_cannot_take_all_of_the_backend(start: Start) -> None:
    """The backend's worker is stopped: it would work on all that was sent."""
    backend = start(services.backend)
    gateway = start(services.gateway, backend, BACKEND_CONNECTIONS="4")
    workers = psutil.Process(backend.pid).children()
    for worker in workers:
        os.kill(worker.pid, signal.SIGSTOP)
    request = http1.head("GET", "/api/v1/products?limit=1", "Connection: close")
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(_send_request(gateway.port, request, "127.0.0.2"))
        until(lambda: _connections(backend.port) >= 2, "two requests are in progress")
    until(lambda: _connections(gateway.port) == 0, "the gateway has noticed that the client left")
    refused = http1.ask(gateway.port, "GET", "/api/v1/products?limit=1", source="127.0.0.2")
    with _send_request(gateway.port, request, "127.0.0.3") as other:
        for worker in workers:
            os.kill(worker.pid, signal.SIGCONT)
        (served,) = http1.parse(http1.read_all(other))
    assert (refused.status, served.status) == (503, 200)


def _send_request(port: int, request: bytes, source: str) -> socket.socket:
    client = http1.connect(port, source=source)
    client.sendall(request)
    return client


@protected_by(
    "the gateway may open as many files as the system allows",
    Cut(f"{GATEWAY}/__main__.py", "    _raise_file_limit()\n    server", "    server"),
)
def test_idle_connections_leave_room_for_others(shop: Shop, start: Start) -> None:
    def gateway_with_few_files(folder: Path, backend: Process) -> Process:
        return services.few_files(services.gateway(folder, backend), 256)

    gateway = start(gateway_with_few_files, shop.backend)
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(http1.connect(gateway.port, source="127.0.0.2"))
        assert http1.ask(gateway.port, "GET", "/api/v1/categories", source="127.0.0.3").status == 200
