from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.errors import PortTaken
from stack.model import Port, Service
from stack.records import port_leases
from stack.records.port_leases import Reservations
from stack.system import ports


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def lease(
    name: str, *asked: Port, alive: tuple[str, ...] = (), reserve: Callable[[int], bool] = lambda port: True
) -> tuple[dict[int, int], tuple[str, ...]]:
    service, targets = Service(name="web", ports=asked), {"web": [p.target for p in asked]}
    leases = port_leases.lease(name, {"web": service}, targets, alive={name, *alive}, reserve=reserve)
    return dict(leases.ports["web"]), leases.notes


def free() -> int:
    return next(port for port in ports.candidates(f"test {os.getpid()}") if ports.is_free(port))


def test_a_published_port_that_is_free_is_the_one() -> None:
    port = free()
    assert lease("shop", Port(target=80, published=port)) == ({80: port}, ())


def test_a_default_port_that_is_taken_is_replaced_and_its_holder_named(taken_port: int) -> None:
    found, (note,) = lease("shop", Port(target=80, published=taken_port))
    assert ports.FIRST <= found[80] <= ports.LAST
    assert f"port {taken_port} of web is held by pid {os.getpid()}" in note


def test_a_fixed_port_that_is_taken_is_refused_and_its_holder_named(taken_port: int) -> None:
    with pytest.raises(
        PortTaken, match=rf"Port {taken_port} of web is set by a variable, but pid {os.getpid()}"
    ):
        lease("shop", Port(target=80, published=taken_port, fixed=True))


def test_two_living_stacks_never_get_the_same_port() -> None:
    port = free()
    first, _ = lease("one", Port(target=80, published=port), Port(target=81))
    second, (note,) = lease("two", Port(target=80, published=port), Port(target=81), alive=("one",))
    assert not set(first.values()) & set(second.values())
    assert "held by stack one" in note


def test_two_services_that_publish_the_same_port_do_not_share_it() -> None:
    port = free()
    both = {name: Service(name=name, ports=(Port(target=80, published=port),)) for name in ("web", "api")}
    leases = port_leases.lease("shop", both, {"web": [80], "api": [80]}, alive={"shop"})
    assert leases.ports["web"][80] == port
    assert leases.ports["api"][80] != port
    assert leases.notes == (f"port {port} of api is held by this stack; another port is used",)


def test_a_port_of_the_container_that_is_published_several_times_has_a_host_port_for_each() -> None:
    first, second = itertools.islice(filter(ports.is_free, ports.candidates("several")), 2)
    published = (
        Port(target=80, published=first),
        Port(target=80, published=second),
        Port(target=80, published=second, protocol="udp"),
    )
    services = {"web": Service(name="web", ports=published)}
    leases = port_leases.lease("shop", services, {"web": [80]}, alive={"shop"})
    assert leases.further == {"web": ((80, first),)}
    assert leases.ports == {"web": {80: second}}
    other = port_leases.lease("other", services, {"web": [80]}, alive={"shop", "other"})
    assert {first, second}.isdisjoint({other.ports["web"][80], other.further["web"][0][1]})


def test_the_lease_of_a_dead_stack_counts_no_more() -> None:
    port = free()
    lease("one", Port(target=80, published=port))
    assert lease("two", Port(target=80, published=port)) == ({80: port}, ())


def test_a_released_port_can_be_leased_at_once() -> None:
    port = free()
    lease("one", Port(target=80, published=port))
    port_leases.release("one")
    assert lease("two", Port(target=80, published=port), alive=("one",)) == ({80: port}, ())


def test_a_stack_gets_the_same_ports_again() -> None:
    first, _ = lease("one", Port(target=80), Port(target=81))
    assert lease("one", Port(target=80), Port(target=81))[0] == first


def test_no_port_is_one_that_the_kernel_gives_to_outgoing_connections() -> None:
    found = list(ports.candidates("shop"))
    assert len(set(found)) == len(found) == ports.LAST - ports.FIRST + 1
    assert max(found) < 32768


def test_a_port_with_a_listener_is_not_free(taken_port: int) -> None:
    assert not ports.is_free(taken_port)


def test_a_port_that_another_home_s_stack_has_reserved_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free()
    theirs, ours = Reservations(), Reservations()
    assert theirs.reserve(port)
    found, (note,) = lease("shop", Port(target=80, published=port), reserve=ours.reserve)
    assert found[80] != port
    assert f"port {port} of web is held by a starting stack of another account" in note
    theirs.release()
    assert lease("shop", Port(target=80, published=port), reserve=ours.reserve) == ({80: port}, ())
    ours.release()


def test_a_reservation_ends_with_its_process() -> None:
    port = free()
    code = "import os; from stack.records.port_leases import Reservations; "
    code += f"Reservations().reserve({port}); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], check=False)
    ours = Reservations()
    assert ours.reserve(port)
    assert ours.reserve(port)  # asked twice by its own process
    ours.release()
