"""Which proxies may name a request's client: TRUSTED_PROXIES, addresses and networks, none by default."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from config.env import BadEnvironment

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
FORWARDED = ("FOR", "HOST", "PORT", "PROTO")


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that the words name; an address is a network of one.

    Raises:
        BadEnvironment: a word is neither.
    """
    try:
        return tuple(ip_network(word) for word in words)
    except ValueError as error:
        raise BadEnvironment(
            f"TRUSTED_PROXIES: {error}; write addresses or networks such as 10.1.0.0/16."
        ) from None


class TrustedProxyMiddleware:
    """Set REMOTE_ADDR to the client that a trusted proxy names; drop X-Forwarded-* of everybody else.

    Stands before every middleware that asks for the client's address, the scheme or the host.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        from django.conf import settings

        self.get_response = get_response
        self._trusted: tuple[Network, ...] = settings.TRUSTED_PROXIES

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = _parse(request.META.get("REMOTE_ADDR", ""))
        if peer is not None and self._is_trusted(peer):
            request.META["REMOTE_ADDR"] = str(
                self._client(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""))
            )
        else:
            for name in FORWARDED:
                request.META.pop(f"HTTP_X_FORWARDED_{name}", None)
        return self.get_response(request)

    def _client(self, peer: Address, chain: str) -> Address:
        """Return the last address that no trusted proxy has; before it stand the client's own claims."""
        client = peer
        for word in reversed(chain.split(",")):
            address = _parse(word.strip())
            if address is None:
                return client
            client = address
            if not self._is_trusted(address):
                return client
        return client

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
