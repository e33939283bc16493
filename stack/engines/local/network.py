"""A network of its own for each service, as a container has: its ports, its localhost, names for the others.

In the guardian's namespaces a bridge connects them (veth(4)); a private ``/etc/hosts`` (hosts(5)) has the
names. The guardian stays in the network of this machine: it listens at the published ports, and asks the
services' health through sockets that it opens in their networks.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from stack.engines.local import way_out
from stack.engines.local.forwarding import Forwarding
from stack.engines.local.hosts import fixed_addresses, hosts_file
from stack.engines.local.service_network import ServiceNetwork
from stack.engines.local.way_out import NETWORK, WayOut
from stack.errors import CommandFailed
from stack.model import Service
from stack.plan import images
from stack.plan.addresses import outside_hosts
from stack.plan.plan import Plan
from stack.plan.service_plan import network_owner
from stack.system import async_programs, kernel, network_namespace, programs
from stack.system.network_namespace import Namespaces
from stack.system.processes import own_pid

BRIDGE_ADDRESS: Final = f"{NETWORK}.1"
FIRST_SERVICE, MOST_SERVICES = 10, 240
SETUP_LIMIT_S: Final = 20.0
_NO_DESTINATION: Final = re.compile("CORS|ORIGIN|ALLOWED", re.IGNORECASE)
"""In the name of a variable: its URLs are those of clients, not of what a service reaches."""

BRIDGE: Final = f"""\
link set lo up
link add stack0 type bridge
addr add {BRIDGE_ADDRESS}/24 dev stack0
link set stack0 up
"""

PLUG: Final = f"link set {way_out.DEVICE} master stack0\nlink set {way_out.DEVICE} up\n"

# Ports below 1024 need no rights, as in a container of Docker; where /proc is read-only they do.
PREPARE: Final = """\
set -e
mount --make-rprivate /
mount --bind "$1" /etc/hosts
{ echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start; } 2>/dev/null || true
if [ -n "$4" ]; then mount --bind "$4" /etc/resolv.conf; fi
if [ -z "$2" ]; then exec ip link set lo up; fi
{
    printf 'link set lo up\\naddr add %s/24 dev eth0\\nlink set eth0 up\\n' "$2"
    printf 'route add default via %s\\n%s' "$3" "$5"
} | ip -batch -
"""


class StackNetwork:
    """The networks of a stack's services, and the bridge between them."""

    def __init__(self, bridge: Namespaces, out: WayOut | None) -> None:
        self._bridge, self._out = bridge, out
        self._forwarding = Forwarding(
            network_namespace.inside(bridge.nsenter(), (), user=None, cwd=Path("/"))
        )
        self.services: dict[str, ServiceNetwork] = {}

    async def connect_services(self, plan: Plan, folder: Path) -> None:
        """Give every service of the plan its network; ``folder`` takes their files of names."""
        services = {name: service.service for name, service in plan.services.items()}
        owners = {name: service for name, service in services.items() if service.joins not in services}
        connected = [name for name, service in owners.items() if service.network_mode != "none"]
        addresses = {name: f"{NETWORK}.{number}" for number, name in enumerate(connected, FIRST_SERVICE)}
        for name in owners:
            made = network_namespace.create()
            self.services[name] = ServiceNetwork(addresses.get(name, ""), made, self._forwarding)
        await _configure(self._bridge, "".join(self._cables()))
        resolver = str(way_out.write_resolver(folder)) if self._out is not None else ""
        async with asyncio.TaskGroup() as tasks:
            for name, network in self.services.items():
                hosts = folder / name / "hosts"
                hosts.parent.mkdir(parents=True, exist_ok=True)
                hosts.write_text(hosts_file(services[name], services, addresses, gateway=self._gateway))
                hosts.chmod(0o644)  # also where the caller's umask closes it to the service's account
                fixed = fixed_addresses(name, services)
                words = (
                    "sh",
                    "-c",
                    PREPARE,
                    "sh",
                    str(hosts),
                    network.address,
                    self._gateway,
                    resolver,
                    fixed,
                )
                argv = (*network.namespaces.nsenter(), *words)
                tasks.create_task(async_programs.run(argv, timeout_s=SETUP_LIMIT_S))
        for name in services.keys() - owners.keys():
            self.services[name] = self.services[network_owner(name, services)].shared()

    def close(self) -> None:
        """Release all networks."""
        for network in self.services.values():
            network.close()
        if self._out is not None:
            self._out.close()
        self._forwarding.close()
        self._bridge.close()

    @property
    def _gateway(self) -> str:
        return BRIDGE_ADDRESS if self._out is None else way_out.GATEWAY

    def _cables(self) -> Iterator[str]:
        connected = (network for network in self.services.values() if network.address)
        for number, network in enumerate(connected, FIRST_SERVICE):
            end = f"/proc/{own_pid()}/fd/{network.namespaces.network}"
            yield f"link add veth{number} type veth peer name eth0 netns {end}\n"
            yield f"link set veth{number} master stack0\nlink set veth{number} up\n"


async def open_network(services: Mapping[str, Service]) -> StackNetwork:
    """Return the empty network of a stack, with a way to other hosts where slirp4netns is installed.

    Raises:
        NoNetworks: this machine does not allow it or lacks a program for it, or a service needs a way out.
    """
    if reason := why_not(isolated=kernel.in_namespace()) or _why_not_for(services):
        raise NoNetworks(reason)
    with contextlib.ExitStack() as on_failure:
        try:
            bridge = network_namespace.create()
            on_failure.callback(bridge.close)
            out = await _connect_outside(bridge, services)
        except OSError as error:
            raise NoNetworks(f"the kernel refuses ({error.strerror})") from error
        except CommandFailed as error:
            raise NoNetworks(str(error)) from error
        on_failure.pop_all()
        return StackNetwork(bridge, out)


async def _connect_outside(bridge: Namespaces, services: Mapping[str, Service]) -> WayOut | None:
    """Make the bridge, and a way out of it where there is one."""
    await _configure(bridge, BRIDGE)
    out = await way_out.open_way_out(bridge) if way_out.is_available() else None
    if out is None:
        if reason := _needs_way_out(services):
            raise NoNetworks(reason)
        return None
    try:
        await _configure(bridge, PLUG)
    except BaseException:
        out.close()
        raise
    return out


class NoNetworks(Exception):
    """Services cannot have networks of their own here; the text is the reason."""


def why_not(*, isolated: bool) -> str:
    """Return why services cannot have networks of their own here, empty where they may.

    ``isolated`` says whether the guardian has a PID namespace of its own.
    """
    if not sys.platform.startswith("linux"):
        return "only Linux has network namespaces"
    if os.environ.get("STACK_NETWORKS", "1") == "0":
        return "STACK_NETWORKS=0"
    if not isolated:
        return "the guardian has no namespace of its own"
    if missing := [name for name in network_namespace.NEEDED_PROGRAMS if shutil.which(name) is None]:
        return f"there is no program {', '.join(missing)} here"
    return ""


def _why_not_for(services: Mapping[str, Service]) -> str:
    if len(services) > MOST_SERVICES:
        return f"{len(services)} services are more than {MOST_SERVICES}"
    return "" if way_out.is_available() else _needs_way_out(services)


def _needs_way_out(services: Mapping[str, Service]) -> str:
    """The reason where a service is told of a host outside the stack, which it could not reach."""
    names = {alias for name, service in services.items() for alias in (name, *service.hostnames)}
    for name, service in services.items():
        if images.server_kind(service.image or ""):
            continue  # a server connects to no host, whatever an env_file of the whole project says
        variables = {**service.environment, **service.local.environment}
        texts = [value for key, value in variables.items() if not _NO_DESTINATION.search(key)]
        if hosts := outside_hosts(texts, names):
            return f"{name} is to reach {', '.join(sorted(hosts))}"
    return ""


async def _configure(namespaces: Namespaces, commands: str) -> None:
    argv = (*namespaces.nsenter(), "ip", "-batch", "-")
    await asyncio.to_thread(programs.run, argv, input=commands, timeout_s=SETUP_LIMIT_S)
