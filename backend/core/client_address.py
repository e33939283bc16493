"""The address of the client: that of the connection, or what a trusted proxy reports."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address.

    `X-Forwarded-For` is read from the right as long as the hop that reported it is in `TRUSTED_PROXIES`.
    """
    address = request.META.get("REMOTE_ADDR", "")
    reported = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while reported and _is_trusted(address, tuple(settings.TRUSTED_PROXIES)):
        address = reported.pop()
    return address


@lru_cache(maxsize=256)
def _is_trusted(address: str, networks: tuple[str, ...]) -> bool:
    try:
        host = ip_address(address)
    except ValueError:
        return False
    return any(host in network for network in map(_network, networks))


@lru_cache(maxsize=64)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text, strict=False)
