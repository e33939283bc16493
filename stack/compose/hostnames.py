"""The names by which a service is reached and reaches others, besides the names of services."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any


def hostnames_of(service: str, services: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the hostname, the container's name, network aliases and links' aliases of a service.

    All are in long form. An alias of ``links`` is a name for all services here, not for the one that links.
    """
    raw = services[service]
    networks = raw.get("networks") or {}
    aliases = [alias for network in networks.values() for alias in (network or {}).get("aliases") or ()]
    names = (raw.get("hostname"), raw.get("container_name"), *aliases, *_link_aliases(service, services))
    return tuple(dict.fromkeys(name for name in names if name))


def addresses_of(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fixed IPv4 addresses of a service in its networks, which are in long form.

    Raises:
        ValueError: one is no such address.
    """
    networks = filter(None, (raw.get("networks") or {}).values())
    return tuple(str(IPv4Address(each["ipv4_address"])) for each in networks if each.get("ipv4_address"))


def _link_aliases(service: str, services: Mapping[str, Mapping[str, Any]]) -> list[str]:
    links = [link.partition(":") for raw in services.values() for link in raw.get("links") or ()]
    return [alias for target, _, alias in links if target == service and alias not in services]


def extra_hosts_of(raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the ``extra_hosts`` of a service: name -> addresses, in either form."""
    entries = raw.get("extra_hosts") or {}
    if isinstance(entries, list):
        pairs = [_split(entry) for entry in entries]
    else:
        pairs = [(name, each) for name, value in entries.items() for each in _as_list(value)]
    hosts: dict[str, tuple[str, ...]] = {}
    for name, address in pairs:
        hosts[name] = (*hosts.get(name, ()), address.removeprefix("[").removesuffix("]"))
    return hosts


def _split(entry: str) -> tuple[str, str]:
    """``name=address`` or ``name:address``."""
    name, _, address = entry.partition("=" if "=" in entry else ":")
    return name, address


def _as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
