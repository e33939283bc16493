"""The networks of services: which names they resolve, and when there are none."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack import compose
from stack.engines.local import hosts, network, service_network
from stack.errors import CommandFailed, ComposeError
from stack.model import Service
from stack.system import network_namespace
from stack.system.network_namespace import Namespaces


def test_a_service_resolves_the_others_their_aliases_its_machine_and_its_extra_hosts() -> None:
    services = {
        "web": Service(name="web", extra_hosts={"mail": ("10.0.0.9",), "me": ("host-gateway",)}),
        "db": Service(name="db", hostnames=("main-db",)),
    }
    addresses = {"web": "198.18.0.2", "db": "198.18.0.3"}
    text = hosts.hosts_file(services["web"], services, addresses, gateway="198.18.0.1")
    lines = text.splitlines()
    assert "127.0.0.1\tlocalhost" in lines
    assert "198.18.0.3\tdb main-db" in lines
    assert "198.18.0.1\thost.docker.internal" in lines
    assert {"10.0.0.9\tmail", "198.18.0.1\tme"} <= set(lines)


def test_a_service_has_its_fixed_addresses_and_reaches_those_of_others() -> None:
    services = {
        "web": Service(name="web", addresses=("172.28.5.11",)),
        "db": Service(name="db", addresses=("172.28.5.10", "10.5.0.2")),
        "cache": Service(name="cache"),
    }
    assert hosts.fixed_addresses("web", services).splitlines() == [
        "addr add 172.28.5.11/32 dev eth0",
        "route add 172.28.5.10/32 dev eth0",
        "route add 10.5.0.2/32 dev eth0",
    ]


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"OTLP": "http://host.docker.internal:4318"}, "web is to reach host.docker.internal"),
        ({"API": "https://u:p@api.example/v1"}, "web is to reach api.example"),
        ({"DB": "postgres://u:p@db:5432/x", "ME": "http://127.0.0.1:80"}, ""),
        ({"CORS_ALLOWED_ORIGINS": "https://shop.example"}, ""),
    ],
)
def test_without_a_way_out_a_service_that_needs_one_keeps_the_network_of_the_machine(
    environment: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "why_not", lambda *, isolated: "")
    monkeypatch.setattr(network.way_out, "is_available", lambda: False)
    monkeypatch.setattr(network.network_namespace, "create", refuse)
    with pytest.raises(network.NoNetworks, match=reason or "the kernel refuses"):
        asyncio.run(network.open_network({"web": Service(name="web", environment=environment)}))


def test_a_server_reaches_nobody_whatever_the_env_file_of_the_project_tells_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "why_not", lambda *, isolated: "")
    monkeypatch.setattr(network.way_out, "is_available", lambda: False)
    monkeypatch.setattr(network.network_namespace, "create", refuse)
    db = Service(name="db", image="postgres:15", environment={"API": "https://api.example"})
    with pytest.raises(network.NoNetworks, match="the kernel refuses"):
        asyncio.run(network.open_network({"db": db}))


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_localhost_is_both_addresses_whatever_the_file_of_names_of_this_machine_says(
    address: str, family: socket.AddressFamily, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(port: int) -> None:
        service = service_network.ServiceNetwork("", namespaces, None)  # type: ignore[arg-type]
        _, writer = await service.connect("localhost", port)
        writer.close()

    monkeypatch.setattr(network_namespace, "thread_inside", lambda network: ThreadPoolExecutor(1))
    namespaces = Namespaces(network=-1, mounts=-1)
    with socket.create_server((address, 0), family=family) as server:
        asyncio.run(connect(server.getsockname()[1]))


def test_more_services_than_addresses_share_the_network_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "why_not", lambda *, isolated: "")
    services = {f"web{number}": Service(name=f"web{number}") for number in range(241)}
    with pytest.raises(network.NoNetworks, match="241 services are more than 240"):
        asyncio.run(network.open_network(services))


def test_a_way_out_that_cannot_be_plugged_in_is_ended_and_the_bridge_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[str] = []

    class Opened:
        def __init__(self, name: str) -> None:
            self.name = name

        def close(self) -> None:
            ended.append(self.name)

    async def configure(namespaces: object, commands: str) -> None:
        if commands == network.PLUG:
            raise CommandFailed(("ip",), "ended with 1")

    async def open_way_out(bridge: object) -> Opened:
        return Opened("way out")

    monkeypatch.setattr(network, "why_not", lambda *, isolated: "")
    monkeypatch.setattr(network, "_configure", configure)
    monkeypatch.setattr(network.way_out, "is_available", lambda: True)
    monkeypatch.setattr(network.way_out, "open_way_out", open_way_out)
    monkeypatch.setattr(network_namespace, "create", lambda: Opened("bridge"))
    with pytest.raises(network.NoNetworks, match="ended with 1"):
        asyncio.run(network.open_network({}))
    assert ended == ["way out", "bridge"]


def refuse() -> None:
    raise PermissionError(1, "no")


def test_the_fixed_addresses_of_a_service_are_read(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(
        "services:\n"
        "  a: {image: x, networks: {n: {ipv4_address: 172.28.5.10}, m: }}\n"
        "  b: {image: x, networks: [n]}\n"
        "networks: {n: , m: }\n"
    )
    services = compose.load(file, environment={}).services
    assert (services["a"].addresses, services["b"].addresses) == (("172.28.5.10",), ())


def test_a_fixed_address_that_is_none_names_its_service(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text("services:\n  a: {image: x, networks: {n: {ipv4_address: 10.0.0}}}\nnetworks: {n: }\n")
    with pytest.raises(ComposeError, match=r"services\.a\.networks: ipv4_address: .*'10\.0\.0'"):
        compose.load(file, environment={})
