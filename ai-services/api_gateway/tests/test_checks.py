"""What the gateway accepts, on both sides of each limit; pure functions."""

from __future__ import annotations

import pytest

from gateway import checks
from gateway.connections.refusal import FIELDS, HEAD_BYTES

HOST = (b"host", b"www.shop.example")
STATUS = {"bad-request": 400, "uri-too-long": 414, "headers-too-large": 431, "version-not-supported": 505}


def kind(
    target: bytes = b"/x", headers: checks.Headers = (), method: str = "GET", version: str = "1.1"
) -> str:
    problem = checks.find_problem(version, method, target, [HOST, *headers])
    if problem is None:
        return ""
    assert problem.status == STATUS[problem.kind]
    return problem.kind


def padded(size: int) -> checks.Headers:
    """Return a header with which the head has this size, the target "/x" and the Host included."""
    taken = len(b"/x") + len(b"host" + HOST[1]) + 4 + len(b"a") + 4
    return [(b"a", b"x" * (size - taken))]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (padded(HEAD_BYTES), ""),
        (padded(HEAD_BYTES + 1), "headers-too-large"),
        ([(b"a", b"")] * (FIELDS - 1), ""),
        ([(b"a", b"")] * FIELDS, "headers-too-large"),
        ([HOST], "bad-request"),
        ([(b"content-length", b"1"), (b"transfer-encoding", b"chunked")], "bad-request"),
        ([(b"transfer-encoding", b"chunked")], ""),
        ([(b"a", b"b\tc \x80\xff")], ""),
        ([(b"a", b"b\x01c")], "bad-request"),
        ([(b"a", b"\x7f")], "bad-request"),
        ([(b"content-type", b"a/b")], ""),
        ([(b"content-type", b"a/b"), (b"content-type", b"a/b")], "bad-request"),
    ],
)
def test_headers(headers: checks.Headers, expected: str) -> None:
    assert kind(headers=headers) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"x" * HEAD_BYTES, "headers-too-large"),
        (b"x" * (HEAD_BYTES + 1), "uri-too-long"),
        (b"/#", "bad-request"),
    ],
)
def test_targets(target: bytes, expected: str) -> None:
    assert kind(target) == expected


@pytest.mark.parametrize(
    ("host", "is_accepted"),
    [
        (b"a", True),
        (b"a:1", True),
        (b"a:12345", True),
        (b"a:123456", False),
        (b"[::1]:80", True),
        (b"[::1]", True),
        (b"", False),
        (b"a/b", False),
    ],
)
def test_hosts(host: bytes, is_accepted: bool) -> None:
    assert (checks.find_problem("1.1", "GET", b"/", [(b"host", host)]) is None) is is_accepted


def test_a_host_is_needed() -> None:
    assert checks.find_problem("1.1", "GET", b"/", []) is not None


@pytest.mark.parametrize("version", ["1.0", "1.1", "0.9", "2"])
def test_versions(version: str) -> None:
    assert kind(version=version) == ("" if version.startswith("1.") else "version-not-supported")


@pytest.mark.parametrize("method", [*sorted(checks.METHODS), "CONNECT", "TRACE", "get"])
def test_methods(method: str) -> None:
    problem = checks.find_problem("1.1", method, b"/", [HOST])
    if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}:
        assert problem is None
    else:
        assert problem is not None
        assert (problem.status, problem.headers["Allow"].split(", ")) == (405, sorted(checks.METHODS))


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        (b"/x?y", (b"", b"/x?y")),
        (b"http://h:1/x?y", (b"h:1", b"/x?y")),
        (b"HTTPS://h", (b"h", b"/")),
        (b"ftp://h/x", (b"", b"ftp://h/x")),
    ],
)
def test_absolute_targets(target: bytes, parts: tuple[bytes, bytes]) -> None:
    assert checks.split_absolute_form(target) == parts
