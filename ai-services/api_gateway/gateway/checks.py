"""Which requests the gateway accepts at all. Pure functions.

What the parser leaves open: RFC 9110, 5.3 (one Content-Type), 5.5 (no control characters in fields), 9.3.6
(CONNECT is for proxies that tunnel); RFC 9112, 3.2 (exactly one Host), 3.2.2 (absolute-form), 6.1
(Content-Length beside Transfer-Encoding is a sign of request smuggling).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.connections.refusal import FIELDS, HEAD_BYTES, refusal_problem
from gateway.problems import Problem

Headers = Sequence[tuple[bytes, bytes]]

VERSIONS = frozenset({"1.0", "1.1"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HOST = re.compile(rb"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
ABSOLUTE_FORM = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
LINE_BYTES = 4  # ": " and the end of the line


def find_problem(version: str, method: str, target: bytes, headers: Headers) -> Problem | None:
    """Return why a request is not accepted, None if it is."""
    return (
        _version_problem(version)
        or _size_problem(target, headers)
        or _field_problem(headers)
        or _host_problem(headers)
        or _framing_problem(headers)
        or _method_problem(method, target)
    )


def has_body(headers: Headers) -> bool:
    """Return whether a request with these headers has a body (RFC 9112, 6.3)."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
        for name, value in headers
    )


def split_absolute_form(target: bytes) -> tuple[bytes, bytes]:
    """Return host and path of a target; the host is empty in the usual form, which has none."""
    match = ABSOLUTE_FORM.match(target)
    if match is None:
        return b"", target
    return match[1], target[match.end() :] or b"/"


def _version_problem(version: str) -> Problem | None:
    if version in VERSIONS:
        return None
    return Problem(505, "version-not-supported", f"HTTP/{version} is not supported, HTTP/1.1 is.")


def _size_problem(target: bytes, headers: Headers) -> Problem | None:
    if len(target) > HEAD_BYTES:
        return refusal_problem(414)
    size = len(target) + sum(len(name) + len(value) + LINE_BYTES for name, value in headers)
    return refusal_problem(431) if size > HEAD_BYTES or len(headers) > FIELDS else None


def _field_problem(headers: Headers) -> Problem | None:
    if any(CONTROL.search(value) for _, value in headers):
        return Problem(400, "bad-request", "A header field has control characters.")
    if sum(name == b"content-type" for name, _ in headers) > 1:
        return Problem(400, "bad-request", "The request has more than one Content-Type.")
    return None


def _host_problem(headers: Headers) -> Problem | None:
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) == 1 and HOST.fullmatch(hosts[0]):
        return None
    return Problem(400, "bad-request", "The request needs exactly one valid Host header.")


def _framing_problem(headers: Headers) -> Problem | None:
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
        return Problem(400, "bad-request", "Content-Length and Transfer-Encoding exclude each other.")
    return None


def _method_problem(method: str, target: bytes) -> Problem | None:
    if method not in METHODS:
        detail = f"Method {method} is not supported."
        return Problem(405, "method-not-allowed", detail, {"Allow": ", ".join(sorted(METHODS))})
    if b"#" in target:
        return Problem(400, "bad-request", "The target of a request has no fragment (#).")
    return None
