"""Metrics: at an address of their own, with few labels; elsewhere the client library is not imported."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.routes import route_of
from tests.backend import Backend
from tests.ports import closed_port
from tests.test_tracing import running

GATEWAY = Path(__file__).resolve().parent.parent
REQUESTS = "http_server_request_duration_seconds_count"


class Metered:
    """A gateway that is measured: its address, and what it says about itself."""

    def __init__(self, url: str, metrics_url: str) -> None:
        self.url, self.metrics_url = url, metrics_url
        self.host = url.removeprefix("http://")

    def send(self, method: str, path: str) -> int:
        """Return the status of the response."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """Return name, labels and value of everything that is measured."""
        with urllib.request.urlopen(self.metrics_url, timeout=20) as response:
            text = response.read().decode()
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return [
            (name.partition("{")[0], dict(re.findall(r'(\w+)="([^"]*)"', name)), float(value))
            for name, _, value in lines
        ]

    def sample(self, name: str, **labels: str) -> float:
        """Return the sum of the samples that have these labels."""
        return sum(
            v for found, given, v in self.samples() if found == name and labels.items() <= given.items()
        )

    def require(self, expected: float, name: str, **labels: str) -> None:
        """Wait until these samples add up to ``expected``: a request is counted after its response."""
        deadline = time.monotonic() + 20
        while (seen := self.sample(name, **labels)) != expected:
            assert time.monotonic() < deadline, f"{name} {labels}: {seen:g}, not {expected:g}"
            time.sleep(0.01)


@contextmanager
def metered(backend: Backend, **environment: str) -> Iterator[Metered]:
    with closed_port() as port:
        address = f"127.0.0.1:{port}"
        with running(backend, METRICS_ADDRESS=address, **environment) as url:
            yield Metered(url, f"http://{address}/metrics")


def test_requests_are_counted_by_route_and_status(backend: Backend) -> None:
    with metered(backend) as gateway:
        for number in range(3):
            assert gateway.send("GET", f"/api/v1/products/thing-{number}") == 200
        gateway.send("GET", "/health")
        forwarded = {"method": "GET", "route": "/api/v1/{path}", "status": "200"}
        gateway.require(3, REQUESTS, **forwarded)
        gateway.require(1, REQUESTS, route="/health", status="200")
        gateway.require(0, "http_server_active_requests")
        assert gateway.sample("gateway_backend_connections_total", connection="opened") >= 1
        assert gateway.sample("gateway_backend_connections_total", connection="reused") >= 1
        assert gateway.sample("gateway_shares_limit", of="slots") == 100
        gateway.require(0, "gateway_shares_in_use", of="slots")


def test_a_flood_of_addresses_methods_and_names_makes_no_new_series(backend: Backend) -> None:
    with metered(backend) as gateway:
        for number in range(100):
            gateway.send(f"METHOD{number}", "/health")
            gateway.send("GET", f"/nothing/{number}")
            gateway.send("GET", f"/api/v1/{number}?name={number}")
        counts = [given for name, given, _ in gateway.samples() if name == REQUESTS]
        routes = {"/api/v1/{path}", "/health", "/docs", "{unknown}"}
        assert {given["route"] for given in counts} <= routes
        assert {given["method"] for given in counts} == {"GET", "OTHER"}
        assert len(gateway.samples()) < 200


def test_metrics_are_not_public(backend: Backend) -> None:
    with metered(backend) as gateway:
        assert gateway.send("GET", "/metrics") == 404
        assert gateway.send("GET", "/api/v1/../../metrics") == 400
    assert not backend.seen


def test_what_the_gateway_refuses_is_counted_by_kind(backend: Backend) -> None:
    with metered(backend) as gateway:
        assert gateway.send("TRACE", "/api/v1/products") == 405
        assert gateway.send("GET", "/api/v1/" + "x" * 70_000) == 414
        backend.shutdown()
        backend.server_close()
        assert gateway.send("GET", "/api/v1/products") == 502
        assert gateway.sample("gateway_problems_total", kind="method-not-allowed") == 1
        assert gateway.sample("gateway_problems_total", kind="backend-unreachable") == 1
        assert gateway.sample("gateway_problems_total", kind="uri-too-long") == 1


def test_an_address_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "gateway"], cwd=GATEWAY, env={**os.environ, "METRICS_ADDRESS": address},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("api-gateway: METRICS_ADDRESS cannot be used: ")
    assert len(done.stderr.splitlines()) == 1


def test_without_an_address_the_client_library_is_not_imported() -> None:
    code = "import sys, gateway.__main__, gateway.server; "
    code += "print([m for m in sys.modules if m.startswith('prometheus')])"
    environment = {**os.environ, "METRICS_ADDRESS": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=GATEWAY, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/products/one", "/api/v1/{path}"),
        ("/health", "/health"),
        ("/health/", "{unknown}"),
        ("/api/v2/x", "{unknown}"),
    ],
)
def test_a_route_is_a_template(path: str, route: str) -> None:
    assert route_of(path) == route
