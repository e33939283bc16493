"""The names by which a service is reached and reaches others, besides the names of services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def hostnames_of(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hostname, the container's name and the network aliases of a service in long form."""
    networks = raw.get("networks") or {}
    aliases = [alias for network in networks.values() for alias in (network or {}).get("aliases") or ()]
    names = (raw.get("hostname"), raw.get("container_name"), *aliases)
    return tuple(dict.fromkeys(name for name in names if name))


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
