"""X-Forwarded-For, -Proto and -Host: believed from trusted proxies only."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.forwarded import Origin, client_key, resolve_origin
from tests.backend import Backend
from tests.conftest import Gateway

Serve = Callable[..., Gateway]
PROJECT = Path(__file__).parents[1]
LOOPBACK = ip_network("127.0.0.0/8")
PROXIES = (LOOPBACK, ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
CLAIMS = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
}


def forwarded(backend: Backend) -> list[str]:
    headers = dict(backend.seen[-1]["headers"])
    return [headers[f"x-forwarded-{name}"] for name in ("for", "proto", "host")]


def test_no_proxy_is_trusted_by_default_not_even_loopback(gateway: Gateway, backend: Backend) -> None:
    gateway.request("GET", "/api/v1/x", headers={"Host": "here", **CLAIMS})
    assert forwarded(backend) == ["127.0.0.1", "http", "here"]


def test_a_trusted_proxy_is_believed(serve: Serve, backend: Backend) -> None:
    serve(trusted_proxies=(LOOPBACK,)).request("GET", "/api/v1/x", headers={"Host": "here", **CLAIMS})
    assert forwarded(backend) == ["203.0.113.9", "https", "shop.example"]


def test_variables_of_the_surroundings_change_nothing(backend: Backend, closed_port: int) -> None:
    ambient = {
        "FORWARDED_ALLOW_IPS": "*",
        "WEB_CONCURRENCY": "3",
        "UVICORN_PORT": "1",
        "UVICORN_WORKERS": "2",
    }
    own = {"HOST": "127.0.0.1", "PORT": str(closed_port), "BACKEND_URL": backend.url}
    environment = {"PATH": os.environ["PATH"], **ambient, **own}
    with subprocess.Popen(
        [sys.executable, "-m", "gateway"], cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            assert any("Uvicorn running on" in line for line in process.stderr)
            connection = http.client.HTTPConnection("127.0.0.1", closed_port, timeout=10)
            connection.request("GET", "/api/v1/x", headers=CLAIMS)
            assert connection.getresponse().status == 200
            connection.close()
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert forwarded(backend)[:2] == ["127.0.0.1", "http"]


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "1.1.1.1, 203.0.113.9", "203.0.113.9"),  # the client wrote the first entry
        ("10.1.2.3", "203.0.113.9, 10.1.9.9", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9, nonsense", "10.1.2.3"),
        ("10.1.2.3", "10.1.9.9", "10.1.9.9"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("10.2.0.1", "203.0.113.9", "10.2.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(peer: str, chain: str, client: str) -> None:
    headers = [(b"x-forwarded-for", chain.encode())]
    assert resolve_origin(peer, "http", headers, PROXIES).address == client


@pytest.mark.parametrize("value", [b"", b"ftp", b"https, javascript", b"https\x00"])
def test_a_scheme_that_makes_no_sense_is_ignored(value: bytes) -> None:
    assert resolve_origin("10.1.0.1", "http", [(b"x-forwarded-proto", value)], PROXIES).scheme == "http"


@pytest.mark.parametrize("value", [b"", b"a b", b"evil/path", b"user@evil", b"evil, shop/"])
def test_a_host_that_makes_no_sense_is_ignored(value: bytes) -> None:
    origin = resolve_origin("10.1.0.1", "http", [(b"x-forwarded-host", value)], PROXIES)
    assert origin == Origin(address="10.1.0.1", scheme="http")


def test_the_addresses_of_one_ipv6_site_are_one_client() -> None:
    assert client_key("2001:db8:0:1::7") == client_key("2001:db8:0:1:9::8") != client_key("2001:db8:0:2::7")
    assert client_key("192.0.2.1") == "192.0.2.1"
