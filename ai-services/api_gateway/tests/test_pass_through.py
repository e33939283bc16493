"""What the gateway forwards to the backend, and what it returns."""

from __future__ import annotations

import json

import pytest

from tests import raw
from tests.backend import Backend
from tests.conftest import Gateway


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_backend(gateway: Gateway, backend: Backend, method: str) -> None:
    response, body = gateway.request(method, "/api/v1/products")
    assert response.status == 200
    assert body == (b"" if method == "HEAD" else b"default response")
    assert backend.seen[-1]["method"] == method


def test_path_and_query_are_forwarded_unchanged(gateway: Gateway, backend: Backend) -> None:
    gateway.request("GET", "/api/v1/caf%C3%A9%2Fx%20y?q=a%20b+c&empty=&q=%26")
    assert backend.seen[-1]["path"] == "/api/v1/caf%C3%A9%2Fx%20y?q=a%20b+c&empty=&q=%26"


@pytest.mark.parametrize(
    "path", ["/api/v1/../admin/", "/api/v1/%2e%2E/admin/", "/api/v1/a/..%2fb", "/api/v1/./x"]
)
def test_a_path_with_dot_segments_is_refused(gateway: Gateway, backend: Backend, path: str) -> None:
    response, body = gateway.request("GET", path)
    problem = json.loads(body)
    assert (response.status, problem["type"]) == (400, "urn:shop:problem:bad-request")
    assert problem["detail"].startswith("The path has dot segments")
    assert not backend.seen


@pytest.mark.parametrize(
    "head",
    [
        raw.HEAD + b"X-Note: a\x01b\r\n",
        raw.HEAD + b"Content-Type: a/b\r\nContent-Type: c/d\r\n",
        b"GET /api/v1/x?a=1#b HTTP/1.1\r\nHost: h\r\n",
    ],
)
def test_what_the_backend_could_not_be_sent_is_a_400(gateway: Gateway, backend: Backend, head: bytes) -> None:
    (response,) = raw.send(gateway.port, head + b"Connection: close\r\n\r\n")
    assert response.status == 400
    assert response.problem == "bad-request"
    assert not backend.seen


def test_a_body_with_a_length_keeps_it(gateway: Gateway, backend: Backend) -> None:
    gateway.request("POST", "/api/v1/orders", body=b"x" * 300_000)
    seen = backend.seen[-1]
    assert seen["body"] == b"x" * 300_000
    assert ("content-length", "300000") in seen["headers"]


def test_the_response_is_streamed(gateway: Gateway, backend: Backend) -> None:
    connection = gateway.connect()
    connection.request("GET", "/api/v1/drips")
    response = connection.getresponse()
    assert response.read1(5) == b"first"  # while the backend still holds the rest
    backend.release.set()
    assert response.read() == b"second"
    connection.close()


def test_encoded_bodies_and_redirects_pass_unchanged(gateway: Gateway) -> None:
    response, body = gateway.request("GET", "/api/v1/gzip")
    assert (response.headers["Content-Encoding"], body) == ("gzip", b"\x1f\x8b not really")
    response, _ = gateway.request("GET", "/api/v1/moved")
    assert (response.status, response.headers["Location"]) == (302, "/elsewhere")


def test_a_response_without_a_body_keeps_the_connection_usable(gateway: Gateway) -> None:
    connection = gateway.connect()
    for path, status in (("/api/v1/unchanged", 304), ("/api/v1/x", 200)):
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == status
        response.read()
    connection.close()


def test_the_backend_s_own_problems_pass_unchanged(gateway: Gateway) -> None:
    response, body = gateway.request("GET", "/api/v1/missing")
    assert (response.status, body) == (404, b'{"title":"Not Found"}')


def test_nothing_outside_the_api_reaches_the_backend(gateway: Gateway, backend: Backend) -> None:
    assert gateway.request("GET", "/admin/")[0].status == 404
    assert gateway.request("GET", "/api/v2/x")[0].status == 404
    assert not backend.seen


@pytest.mark.parametrize(
    "status", [200, 201, 204, 301, 400, 401, 404, 409, 418, 422, 429, 500, 502, 503, 504, 599]
)
def test_the_backend_s_status_is_the_client_s(gateway: Gateway, status: int) -> None:
    assert gateway.request("GET", f"/api/v1/status?{status}")[0].status == status
