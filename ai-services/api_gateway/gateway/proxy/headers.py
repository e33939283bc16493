"""Which headers travel on, and which are added. Pure.

RFC 9110: 7.6.1 (Connection and what it names), 7.6.3 (Via), 11.7 (Proxy-Authenticate and
Proxy-Authorization concern one hop), 15.4.5 (304 may carry the Content-Length of what it does not send).
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
# Written anew for the backend: what a stranger says about these cannot be trusted, or is not true there.
REWRITTEN = frozenset(
    {
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
    """Answer the headers that concern both ends, not one connection between two."""
    everything = [(name.lower(), value) for name, value in headers]
    named = {
        word.strip().lower()
        for name, value in everything
        if name == b"connection"
        for word in value.split(b",")
    }
    # Framing is ours to keep: a Connection header may not make a body lose its length.
    dropped = HOP_BY_HOP | (named - {b"content-length"})
    return [(name, value) for name, value in everything if name not in dropped]


def for_backend(
    headers: Iterable[tuple[bytes, bytes]], *, client: str, scheme: str, host: bytes, request_id: str
) -> Headers:
    """Answer the headers of the request to the backend; ``client`` is the address that asked us."""
    kept = [(name, value) for name, value in end_to_end(headers) if name not in REWRITTEN]
    via = [value for name, value in kept if name == b"via"]
    return [
        *((name, value) for name, value in kept if name != b"via"),
        (b"via", b", ".join([*via, VIA])),
        (b"x-forwarded-for", client.encode("latin-1")),
        (b"x-forwarded-host", host),
        (b"x-forwarded-proto", scheme.encode("latin-1")),
        (b"x-request-id", request_id.encode("latin-1")),
    ]


def for_client(headers: Iterable[tuple[bytes, bytes]], *, status: int) -> Headers:
    """Answer the headers of the response to the client."""
    kept = end_to_end(headers)
    if status == 304:
        return [(name, value) for name, value in kept if name != b"content-length"]
    return kept


def value_of(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes:
    """Answer the first value of a header whose name is in lower case, empty where there is none."""
    return next((value for name, value in headers if name == wanted), b"")


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Answer whether a request with these headers brings a body (RFC 9112, 6.3)."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
        for name, value in headers
    )
