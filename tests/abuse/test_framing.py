"""One request is one request: nothing is smuggled past the gateway, and nothing valid is lost."""

from __future__ import annotations

import json
import secrets

import pytest

from abuse import http1
from abuse.conftest import Shop
from unprotected.protection import Cut, protected_by

LOGIN = "/api/v1/accounts/login"
JSON = "Content-Type: application/json"


def unique() -> str:
    """Return a request ID that occurs nowhere else."""
    return f"abuse-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def customer(shop: Shop) -> dict[str, str]:
    """Return email, password and token of a new customer."""
    account = {"email": f"{unique()}@example.com", "password": "correct horse battery"}
    body = json.dumps(account).encode()
    registered = http1.ask(shop.gateway.port, "POST", "/api/v1/accounts/register", JSON, body=body)
    assert registered.status == 202, registered.body
    login = http1.ask(shop.gateway.port, "POST", LOGIN, JSON, body=body)
    return account | {"token": login.json()["token"]}


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0"])
def test_an_upgrade_smuggles_no_second_request(shop: Shop, protocol: str) -> None:
    outer, inner = unique(), unique()
    smuggled = http1.head("GET", "/api/v1/products?limit=1", f"X-Request-ID: {inner}")
    fields = [
        f"X-Request-ID: {outer}",
        "Connection: Upgrade",
        f"Upgrade: {protocol}",
        f"Content-Length: {len(smuggled)}",
    ]
    (response,) = http1.exchange(
        shop.gateway.port, http1.head("POST", LOGIN, *fields, "Connection: close") + smuggled
    )
    assert (response.status, response.headers["x-request-id"]) == (400, outer)  # not JSON
    assert shop.backend.line_of(outer)
    assert inner not in shop.backend.request_ids() | shop.gateway.request_ids()


def test_an_offer_of_http2_is_ignored(shop: Shop, customer: dict[str, str]) -> None:
    """What ``curl --http2 -d`` and Java's client send."""
    body = json.dumps({"email": customer["email"], "password": customer["password"]}).encode()
    offer = [
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    ]
    head = http1.head("POST", LOGIN, JSON, *offer, f"Content-Length: {len(body)}")
    last = http1.head("GET", "/health", "Connection: close")
    login, health = http1.exchange(shop.gateway.port, head + body + last)
    assert (login.status, health.status) == (200, 200)
    assert "WebSocket" not in shop.gateway.text()


def test_connect_is_never_forwarded(shop: Shop) -> None:
    identity = unique()
    head = http1.head("CONNECT", "localhost:8000", f"X-Request-ID: {identity}")
    (response, *_) = http1.exchange(shop.gateway.port, head + http1.head("GET", "/admin/login/"))
    assert (response.status, response.is_problem()) == (405, True)
    assert identity not in shop.backend.request_ids()


@pytest.mark.parametrize(
    "fields",
    [
        ["Content-Length: 6", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding : chunked"],
        ["Content-Length: 6", "Content-Length: 0"],
        ["Content-Length: +6"],
        ["Content-Length: 0x6"],
        ["Host: other"],
    ],
)
def test_ambiguous_framing_is_refused(shop: Shop, fields: list[str]) -> None:
    inner = unique()
    smuggled = http1.head("GET", "/api/v1/products?limit=1", f"X-Request-ID: {inner}")
    (response, *others) = http1.exchange(
        shop.gateway.port, http1.head("POST", LOGIN, *fields) + b"0\r\n\r\n" + smuggled
    )
    assert (response.status, response.is_problem(), others) == (400, True, [])
    assert inner not in shop.backend.request_ids()


def test_a_request_without_a_host_is_refused(shop: Shop) -> None:
    for version in ("1.0", "1.1"):
        (response,) = http1.exchange(shop.gateway.port, f"GET /health HTTP/{version}\r\n\r\n".encode())
        assert (response.status, response.is_problem()) == (400, True)


def test_a_token_in_a_trailer_is_ignored(shop: Shop, customer: dict[str, str]) -> None:
    head = http1.head("GET", "/api/v1/accounts/me", "Transfer-Encoding: chunked", "Connection: close")
    trailer = f"0\r\nAuthorization: Bearer {customer['token']}\r\n\r\n".encode()
    (response,) = http1.exchange(shop.gateway.port, head, trailer)
    assert response.status == 401
    assert http1.ask(
        shop.gateway.port, "GET", "/api/v1/accounts/me", f"Authorization: Bearer {customer['token']}"
    ).status == 200  # fmt: skip


def test_a_chunked_login_works(shop: Shop, customer: dict[str, str]) -> None:
    body = json.dumps({"email": customer["email"], "password": customer["password"]}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
    head = http1.head("POST", LOGIN, JSON, "Transfer-Encoding: chunked", "Connection: close")
    (response,) = http1.exchange(shop.gateway.port, head + chunks)
    assert (response.status, response.json()["customer"]["email"]) == (200, customer["email"])


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"\xff\r\n\r\n"]
)
def test_what_is_not_http_is_refused(shop: Shop, garbage: bytes) -> None:
    with http1.connect(shop.gateway.port) as client:
        client.sendall(garbage + b"\r\n\r\n")
        (response, *_) = http1.parse(http1.read_all(client))
    assert (response.status, response.is_problem()) == (400, True)


@protected_by(
    "an invalid request has no beginning to measure from",
    Cut("backend/config/access.py", 'getattr(req, "began_s", None)', "req.began_s"),
)
@pytest.mark.parametrize(
    "field",
    [http1.HOST, "Content-Length: +1", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: identity"],
)
def test_the_backend_itself_answers_an_invalid_request(shop: Shop, field: str) -> None:
    sent = http1.head("POST", LOGIN, field, "Connection: close")
    with http1.connect(shop.backend.port) as client:
        client.sendall(sent)
        assert http1.read_all(client)[:13] in {b"HTTP/1.1 400 ", b"HTTP/1.1 501 "}
