"""No key of a compose file is ignored in silence on the local engine."""

from __future__ import annotations

import pytest

from stack import compose
from stack.compose.schema import specification
from stack.compose.services import MODELLED
from stack.model import Limits, Mount, Port, Service
from stack.plan.unenforced import MEANINGLESS, UNENFORCED, sentence, unenforced_keys
from stack.system.directories import ROOT
from tools import unenforced_table

READ_ONLY = Mount(type="bind", target="/a", read_only=True)
ONE_WORD = {row.key for row in UNENFORCED if row.key.isidentifier()}


def test_every_key_of_the_specification_is_read_or_has_a_row() -> None:
    keys = {key for key in specification()["$defs"]["service"]["properties"] if not key.startswith("x-")}
    assert keys - MODELLED - ONE_WORD - MEANINGLESS == set()
    assert set() == MEANINGLESS & (MODELLED | ONE_WORD)


@pytest.mark.parametrize(
    ("service", "key"),
    [
        (Service(name="web", limits=Limits(memory_bytes=1)), "mem_limit"),
        (Service(name="web", limits=Limits(processes=1)), "pids_limit"),
        (Service(name="web", limits=Limits(cpus=0.5)), "cpus"),
        (Service(name="web", limits=Limits(ulimits={"nofile": (1, 2)})), "ulimits"),
        (Service(name="web", read_only=True), "read_only"),
        (
            Service(name="web", mounts=(Mount(type="bind", target="/a", read_only=True),)),
            "volumes: read_only",
        ),
        (Service(name="web", user="nobody"), "user"),
        (Service(name="web", working_dir="/usr"), "working_dir"),
        (Service(name="web", ports=(Port(target=1, host_ip="0.0.0.0"),)), "ports: host_ip"),
        (Service(name="web", ports=(Port(target=1, protocol="udp"),)), "ports: udp, sctp"),
        (Service(name="web", networks=("a", "b")), "networks"),
        (Service(name="web", external=("shared",)), "volumes, networks: external"),
        (Service(name="web", hostnames=("a",)), "hostname, container_name, aliases"),
        (Service(name="web", extra_hosts={"a": ("::1",)}), "extra_hosts"),
        (Service(name="web", network_mode="host"), "network_mode: host, bridge, container"),
        (Service(name="web", network_mode="none"), "network_mode: service, none"),
        (Service(name="web", network_mode="service:db"), "network_mode: service, none"),
        (Service(name="web", replicas=2), "scale, replicas"),
        (Service(name="web", other_keys=("cap_drop",)), "cap_drop"),
    ],
)
def test_a_key_that_a_service_uses_is_named_with_the_service(service: Service, key: str) -> None:
    assert unenforced_keys({"web": service, "db": Service(name="db")}) == {key: ("web",)}


def test_a_plain_service_uses_no_such_key() -> None:
    plain = Service(
        name="web",
        ports=(Port(target=1),),
        networks=("default",),
        working_dir="/a/b",
        mounts=(Mount(type="bind", target="/a"),),
        other_keys=("labels",),
    )
    assert unenforced_keys({"web": plain}) == {}
    assert sentence({"web": plain}) == ""


def test_one_sentence_names_all_of_them() -> None:
    services = {
        "web": Service(name="web", read_only=True, replicas=2),
        "db": Service(name="db", read_only=True),
    }
    assert sentence(services, enforced={"mem_limit"}) == (
        "Without containers, these keys have no effect: read_only (all services); scale, replicas (web). "
        "See docs/engines.md."
    )


def test_a_port_of_the_container_is_published_once() -> None:
    twice = Service(name="web", ports=(Port(target=80, published=80), Port(target=80, published=8080)))
    both = Service(name="dns", ports=(Port(target=53), Port(target=53, protocol="udp")))
    assert unenforced_keys({"web": twice, "dns": both})["ports: several for one of the container"] == ("web",)


def test_a_key_that_the_machine_enforces_is_not_named() -> None:
    assert sentence({"web": Service(name="web", limits=Limits(cpus=1))}, enforced={"cpus"}) == ""


def test_the_keys_of_our_own_stack_are_named() -> None:
    services = compose.load(ROOT / "compose" / "docker-compose.ci.yml", environment={}).services
    assert {"mem_limit", "pids_limit", "read_only", "cap_drop", "security_opt"} <= set(
        unenforced_keys(services)
    )


def test_the_page_has_the_table() -> None:
    page = unenforced_table.PAGE.read_text(encoding="utf-8")
    assert page == unenforced_table.with_table(page), "run `python -m tools.unenforced_table`"
