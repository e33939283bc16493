"""Which headers the gateway forwards, replaces and removes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway import checks
from gateway.proxy import headers
from tests import raw
from tests.backend import Backend
from tests.conftest import Gateway

HOPS = {
    "Connection": "X-Mine, close",
    "X-Mine": "1",
    "Keep-Alive": "timeout=1",
    "Proxy-Authorization": "Basic x",
    "TE": "trailers",
    "Trailer": "X-Sum",
    "Upgrade": "h2c",
}


def test_hop_by_hop_headers_of_the_client_are_removed(gateway: Gateway, backend: Backend) -> None:
    gateway.request("GET", "/api/v1/x", headers={**HOPS, "X-End": "2", "Authorization": "Bearer t"})
    seen = dict(backend.seen[-1]["headers"])
    assert not {name.lower() for name in HOPS} & seen.keys()
    assert (seen["x-end"], seen["authorization"]) == ("2", "Bearer t")


def test_hop_by_hop_headers_of_the_backend_are_removed(gateway: Gateway) -> None:
    response, _ = gateway.request("GET", "/api/v1/hops")
    assert not {"x-hop", "keep-alive", "upgrade", "connection"} & {
        n.lower() for n, _ in response.getheaders()
    }
    assert response.headers["X-End"] == "2"
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert len(response.headers.get_all("Date", [])) == 1


def test_the_backend_receives_client_host_and_scheme(gateway: Gateway, backend: Backend) -> None:
    untrusted = {"Forwarded": "for=1.2.3.4", "X-Forwarded-Host": "evil", "X-Real-IP": "1.2.3.4"}
    gateway.request("GET", "/api/v1/x", headers={"Host": "shop.example", **untrusted})
    seen = dict(backend.seen[-1]["headers"])
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert (seen["x-forwarded-host"], seen["x-forwarded-proto"]) == ("shop.example", "http")
    assert seen["host"] == backend.url.removeprefix("http://")
    assert not {"forwarded", "x-real-ip"} & seen.keys()
    assert seen["via"] == "1.1 api-gateway"


def test_what_a_client_forges_does_not_reach_the_backend_beside_the_truth(
    gateway: Gateway, backend: Backend
) -> None:
    forged = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "evil", "X-Forwarded-Proto": "https"}
    gateway.request("GET", "/api/v1/x", headers={"X-Request-ID": "id", **forged})
    seen = [(name, value) for name, value in backend.seen[-1]["headers"] if name.startswith("x-forwarded-")]
    assert sorted(name for name, _ in seen) == sorted(map(str.lower, forged))
    assert not {value for _, value in seen} & set(forged.values())


def test_cookies_of_one_client_are_not_sent_for_another(
    serve: Callable[..., Gateway], backend: Backend
) -> None:
    # By name: cookie jars keep nothing that an address without one sets.
    gateway = serve(backend_url=backend.url.replace("127.0.0.1", "localhost"))
    gateway.request("GET", "/api/v1/hops")
    gateway.request("GET", "/api/v1/x")
    assert "cookie" not in dict(backend.seen[-1]["headers"])


def test_no_header_is_added_for_the_client(gateway: Gateway, backend: Backend) -> None:
    connection = gateway.connect()
    connection.putrequest("GET", "/api/v1/x", skip_accept_encoding=True)
    connection.endheaders()
    connection.getresponse().read()
    connection.close()
    assert not {"accept", "accept-encoding", "user-agent"} & dict(backend.seen[-1]["headers"]).keys()


def test_a_connection_header_cannot_remove_the_content_length() -> None:
    given = [(b"Connection", b"Content-Length"), (b"Content-Length", b"3")]
    assert headers.end_to_end(given) == [(b"content-length", b"3")]


def test_an_existing_via_is_extended() -> None:
    sent = headers.request_headers(
        [(b"Via", b"1.0 edge")], client="127.0.0.1", scheme="http", host=b"h", request_id="i"
    )
    assert (b"via", b"1.0 edge, 1.1 api-gateway") in sent


def test_a_name_with_an_underscore_is_dropped(gateway: Gateway, backend: Backend) -> None:
    names = ("Script_Name", "SCRIPT_NAME", "PATH_INFO", "X_Cart_Token", "X-Good")
    gateway.request("GET", "/api/v1/x", headers=dict.fromkeys(names, "1"))
    assert {name for name, value in backend.seen[-1]["headers"] if value == "1"} == {"x-good"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], False),
        ([(b"accept", b"*/*"), (b"x-a", b"1")], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"5")], True),
        ([(b"transfer-encoding", b"chunked")], True),
    ],
)
def test_a_body_is_announced_by_length_or_encoding(given: headers.Headers, expected: bool) -> None:
    assert checks.has_body(given) is expected


def test_a_hop_s_own_header_that_connection_names_too_is_dropped_once() -> None:
    given = [(b"Connection", b"TE, Keep-Alive"), (b"TE", b"trailers"), (b"Keep-Alive", b"1"), (b"X", b"1")]
    assert headers.end_to_end(given) == [(b"x", b"1")]


def test_a_304_has_no_length_and_another_response_has() -> None:
    given = [(b"Content-Length", b"3"), (b"ETag", b"e")]
    assert headers.response_headers(given, status=304) == [(b"etag", b"e")]
    for status in (200, 303, 305, 404, 503):
        assert headers.response_headers(given, status=status) == [(b"content-length", b"3"), (b"etag", b"e")]


def test_the_first_value_of_a_header_counts() -> None:
    assert headers.first_value([(b"a", b"1"), (b"b", b"2"), (b"b", b"3")], b"b") == b"2"
    assert headers.first_value([], b"b") == b""


@pytest.mark.parametrize(
    ("sent", "received"),
    [(b"M\xc3\xbcller", b"M\xc3\xbcller"), (b"M\xfcller", b"M\xc3\xbcller"), (b"M", b"M")],
)
def test_a_value_outside_ascii_arrives_in_utf_8(
    gateway: Gateway, backend: Backend, sent: bytes, received: bytes
) -> None:
    (response,) = raw.send(gateway.port, raw.HEAD + b"X-Name: " + sent + b"\r\nConnection: close\r\n\r\n")
    assert response.status == 200
    assert dict(backend.seen[0]["headers"])["x-name"].encode("latin-1") == received


@pytest.mark.parametrize("path", ["/health", "/health/", "/nope", "/docs", "/api/v1/x", "/api/v1/breaks"])
def test_every_response_has_one_date(gateway: Gateway, path: str) -> None:
    response, _ = gateway.request("GET", path)
    assert len(response.headers.get_all("Date") or ()) == 1
