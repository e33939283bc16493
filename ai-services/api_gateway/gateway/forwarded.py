"""Who sent a request: X-Forwarded-For, -Proto and -Host of trusted proxies. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from gateway.checks import HOST

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
IPV6_SITE_BITS = 64
"""The addresses of one IPv6 client: a site has at least a /64 (RFC 6177)."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Address, scheme and host of the client's own request; ``host`` is empty if no proxy named one."""

    address: str
    scheme: str
    host: bytes = b""


def resolve_origin(
    peer: str, scheme: str, headers: Iterable[tuple[bytes, bytes]], trusted: Sequence[Network]
) -> Origin:
    """Return the origin of a request from ``peer``, which is believed only if it is in ``trusted``."""
    address = _parse(peer)
    if address is None or not _is_trusted(address, trusted):
        return Origin(address=peer, scheme=scheme)
    values = {
        name: _values(headers, name)
        for name in (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host")
    }
    schemes = [
        value.lower() for value in values[b"x-forwarded-proto"][-1:] if value.lower() in ("http", "https")
    ]
    hosts = [
        host for value in values[b"x-forwarded-host"][-1:] if HOST.fullmatch(host := value.encode("latin-1"))
    ]
    return Origin(
        address=str(_client(address, values[b"x-forwarded-for"], trusted)),
        scheme=schemes[0] if schemes else scheme,
        host=hosts[0] if hosts else b"",
    )


def client_key(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_SITE_BITS), strict=False))
    return address


def _client(peer: Address, chain: Sequence[str], trusted: Sequence[Network]) -> Address:
    """Return the last address that no trusted proxy has; before it stand the client's own claims."""
    client = peer
    for text in reversed(chain):
        address = _parse(text)
        if address is None:
            return client
        client = address
        if not _is_trusted(address, trusted):
            return client
    return client


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    lines = (value.decode("latin-1") for key, value in headers if key == name)
    return [part.strip() for line in lines for part in line.split(",")]


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
