"""Which headers are forwarded, removed and added. Pure functions.

RFC 9110: 7.6.1 (Connection and what it names), 7.6.3 (Via), 7.8 (Upgrade), 11.7 (Proxy-Authenticate and
Proxy-Authorization concern one hop), 15.4.5 (304 may carry the Content-Length of a body that is not sent).
"""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# Replaced on the way to the backend: a client's values are not trusted, or not true for the second hop.
# The body is forwarded as a whole: the length is that of its bytes, however it came.
REPLACED = frozenset(
    {
        b"content-length",
        b"expect",
        b"forwarded",
        b"host",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-request-id",
    }
)
VIA = b"1.1 api-gateway"


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the end-to-end headers, without those of a single connection (RFC 9110, 7.6.1)."""
    lowered = [(name.lower(), value) for name, value in headers]
    connection_options = {
        word.strip().lower() for name, value in lowered if name == b"connection" for word in value.split(b",")
    }
    # Connection must not remove the framing: a body would lose its length.
    dropped = HOP_BY_HOP | (connection_options - {b"content-length"})
    return [(name, value) for name, value in lowered if name not in dropped]


def request_headers(
    headers: Iterable[tuple[bytes, bytes]], *, client: str, scheme: str, host: bytes, request_id: str
) -> Headers:
    """Return the headers of the request to the backend; ``client`` is the address of the client.

    Names with an underscore are dropped: WSGI cannot tell them from names with a hyphen.
    """
    forwarded = [
        (name, value) for name, value in end_to_end(headers) if name not in REPLACED and b"_" not in name
    ]
    via = [value for name, value in forwarded if name == b"via"]
    return [
        *((name, value) for name, value in forwarded if name != b"via"),
        (b"via", b", ".join([*via, VIA])),
        (b"x-forwarded-for", client.encode("latin-1")),
        (b"x-forwarded-host", host),
        (b"x-forwarded-proto", scheme.encode("latin-1")),
        (b"x-request-id", request_id.encode("latin-1")),
    ]


def response_headers(headers: Iterable[tuple[bytes, bytes]], *, status: int) -> Headers:
    """Return the headers of the response to the client."""
    forwarded = end_to_end(headers)
    if status == 304:
        return [(name, value) for name, value in forwarded if name != b"content-length"]
    return forwarded


def first_value(headers: Iterable[tuple[bytes, bytes]], header: bytes) -> bytes:
    """Return the first value of ``header`` (in lower case), empty if it is absent."""
    return next((value for name, value in headers if name == header), b"")
