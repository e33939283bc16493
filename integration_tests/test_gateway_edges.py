"""What a client may send to the gateway, and what ends there."""

from __future__ import annotations

import json
import random

import pytest

from raw_http import Response, exchange
from shop import Service, problem

GATEWAY = "GATEWAY_URL"
START = b"POST /api/v1/accounts/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n\r\n"


def kind(response: Response) -> str:
    """Return the kind of a problem."""
    assert response.headers["Content-Type"] == "application/problem+json"
    return str(json.loads(response.body)["type"]).removeprefix("urn:shop:problem:")


def test_a_chunked_body_reaches_the_backend(gateway: Service) -> None:
    """401, not 422: the backend has read email and password."""
    parts = iter([b'{"email": "nobody@example.com",', b' "password": "wrong"}'])
    response = gateway.ask(
        "POST", "/api/v1/accounts/login", data=parts, headers={"Content-Type": "application/json"}
    )
    assert problem(response)["status"] == 401


def test_a_body_beyond_one_mebibyte_is_a_413() -> None:
    (response,) = exchange(GATEWAY, START + b"Content-Length: 1048577\r\n\r\n")
    assert (response.status, kind(response)) == (413, "too-large")


@pytest.mark.parametrize(
    ("head", "status", "expected"),
    [
        (b"GET /health HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 70_000, 431, "headers-too-large"),
        (b"GET /health HTTP/1.1\r\nHost: h\r\n" + b"X: 1\r\n" * 200 + CLOSE, 431, "headers-too-large"),
        (b"GET /" + b"x" * 70_000, 414, "uri-too-long"),
        (b"GET /health HTTP/1.1\r\nHost: h\r\nHost: i\r\n" + CLOSE, 400, "bad-request"),
        (b"GET /health HTTP/1.1\r\n" + CLOSE, 400, "bad-request"),
        (b"GET /health HTTP/1.1\r\nNo colon\r\n\r\n", 400, "bad-request"),
        (START + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n" + CLOSE, 400, "bad-request"),
        (b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n" + CLOSE, 405, "method-not-allowed"),
        (b"GET /health HTTP/2.0\r\nHost: h\r\n" + CLOSE, 505, "version-not-supported"),
    ],
    ids=[
        "long field",
        "many fields",
        "long target",
        "two hosts",
        "no host",
        "no field",
        "framing",
        "connect",
        "2.0",
    ],
)
def test_a_head_that_is_not_accepted_is_a_problem(head: bytes, status: int, expected: str) -> None:
    (response,) = exchange(GATEWAY, head)
    assert (response.status, kind(response)) == (status, expected)


def test_an_upgrade_changes_nothing(rng: random.Random) -> None:
    """The body of the first request looks like a second one; only the last request is answered with 200."""
    hidden = b"GET /api/v1/categories HTTP/1.1\r\nHost: localhost\r\n\r\n"
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(hidden)
    identity = f"test-{rng.randrange(10**12)}"
    last = b"GET /health HTTP/1.1\r\nHost: h\r\nX-Request-ID: %s\r\n" % identity.encode() + CLOSE
    first, second = exchange(GATEWAY, START + upgrade + hidden + last)
    assert (first.status, second.status) == (400, 200)
    assert second.headers["X-Request-ID"] == identity


def test_a_trailer_is_no_header() -> None:
    """Bearer tokens that are wrong are a 401, too; the identity of the request shows what was read."""
    head = b"GET /health HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" + CLOSE
    (response,) = exchange(GATEWAY, head, b"0\r\nX-Request-ID: from-a-trailer\r\n\r\n")
    assert response.status == 200
    assert response.headers["X-Request-ID"] != "from-a-trailer"


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script_Name"])
def test_a_path_is_not_taken_from_a_header(gateway: Service, backend: Service, name: str) -> None:
    for service in (gateway, backend):
        response = service.get("/api/v1/x/admin/login/", headers={name: "/api/v1/x"})
        assert response.status_code == 404
        assert service.get("/api/v1/categories", headers={name: "/zzz"}).status_code == 200
