"""How the services of a stack reach each other: their names (hosts(5)) and their fixed addresses."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Final

from stack.model import Service
from stack.plan.addresses import HOST_OF_CONTAINERS, LOOPBACK

HOSTS_HEAD: Final = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def fixed_addresses(own: str, services: Mapping[str, Service]) -> str:
    """Return the commands of ip(8) by which a service has its fixed addresses and reaches those of others."""
    return "".join(
        f"{'addr' if name == own else 'route'} add {address}/32 dev eth0\n"
        for name, service in services.items()
        for address in service.addresses
    )


def hosts_file(
    service: Service, services: Mapping[str, Service], addresses: Mapping[str, str], *, gateway: str
) -> str:
    """Return the names that ``service`` can resolve without DNS: the stack's, and its own ``extra_hosts``."""
    own = f"{addresses.get(service.name, LOOPBACK)}\t{socket.gethostname()}\n"
    lines = [own, f"{gateway}\t{HOST_OF_CONTAINERS}\n"]
    for name, address in addresses.items():
        lines.append(f"{address}\t{' '.join((name, *services[name].hostnames))}\n")
    for name, targets in service.extra_hosts.items():
        lines += [f"{gateway if target == 'host-gateway' else target}\t{name}\n" for target in targets]
    return HOSTS_HEAD + "".join(lines)
