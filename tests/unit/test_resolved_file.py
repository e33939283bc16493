"""The compose file that a container engine is given: names, ports, volumes and services of the stack."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from container_plans import plan

from stack.engines.container import resolved_file
from stack.model import Service
from stack.system.directories import home_id


def resolved() -> dict[str, Any]:
    return {
        "name": "shop",
        "services": {
            "web": {
                "restart": "always",
                "profiles": ["x"],
                "container_name": "web",
                "ports": [{"target": 80, "published": "8000"}],
            },
            "unwanted": {},
        },
        "networks": {"default": {"name": "shop-network"}, "outside": {"external": True}},
        "volumes": {"data": None},
    }


def test_the_name_of_a_container_is_one_by_which_others_reach_it() -> None:
    file = resolved()
    file["services"]["web"]["networks"] = {"default": None, "outside": {"aliases": ["other"]}}
    config = resolved_file.arrange(file, plan("shop", Service(name="web"), web={80: 8000}), rename=False)
    networks = config["services"]["web"]["networks"]
    assert networks == {"default": {"aliases": ["web"]}, "outside": {"aliases": ["other", "web"]}}


def test_a_second_stack_shares_neither_name_nor_port_nor_network_nor_volume_with_the_first() -> None:
    config = resolved_file.arrange(
        resolved(), plan("shop-2", Service(name="web"), web={80: 20001}), rename=True
    )
    assert config["name"] == "shop-2"
    assert config["services"]["web"]["ports"] == [{"target": 80, "published": "20001"}]
    assert config["networks"]["default"]["name"] == "shop-2-default"
    assert config["volumes"]["data"]["name"] == "shop-2-data"
    assert config["networks"]["outside"] == {"external": True}


def test_the_main_stack_keeps_the_names_of_its_file() -> None:
    config = resolved_file.arrange(
        resolved(), plan("shop", Service(name="web"), web={80: 8000}), rename=False
    )
    assert config["networks"]["default"] == {"name": "shop-network"}
    assert config["volumes"]["data"].get("name") is None


def test_the_volumes_of_a_stack_say_whose_they_are_and_those_of_others_do_not() -> None:
    file = resolved()
    file["volumes"] |= {"own": {"labels": {"a": "b"}}, "outside": {"external": True}}
    config = resolved_file.arrange(file, plan("shop", Service(name="web"), web={80: 8000}), rename=False)
    home = {"ecommerce.stack.home": home_id()}
    assert config["volumes"]["data"] == {"labels": home}
    assert config["volumes"]["own"] == {"labels": {"a": "b", **home}}
    assert config["volumes"]["outside"] == {"external": True}


def test_a_port_that_is_published_twice_has_both_its_host_ports() -> None:
    file = resolved()
    file["services"]["web"]["ports"] = [
        {"target": 80, "published": "8000", "protocol": "tcp"},
        {"target": 80, "published": "9000", "protocol": "tcp"},
        {"target": 81, "published": "8100", "protocol": "tcp"},
    ]
    made = plan("shop", Service(name="web"), web={80: 20002, 81: 20003})
    web = replace(made.services["web"], further_ports=((80, 20001),))
    config = resolved_file.arrange(file, replace(made, services={"web": web}), rename=False)
    published = [port["published"] for port in config["services"]["web"]["ports"]]
    assert published == ["20001", "20002", "20003"]


def test_only_wanted_services_stay_and_restarts_are_ours() -> None:
    config = resolved_file.arrange(
        resolved(), plan("shop", Service(name="web"), web={80: 8000}), rename=False
    )
    assert list(config["services"]) == ["web"]
    assert config["services"]["web"] == {"restart": "no", "ports": [{"target": 80, "published": "8000"}]}


def test_dependencies_that_are_not_started_are_left_out() -> None:
    file = resolved()
    file["services"]["web"]["depends_on"] = {"unwanted": {"required": False}, "web2": {"required": False}}
    config = resolved_file.arrange(file, plan("shop", Service(name="web"), web={80: 8000}), rename=False)
    assert config["services"]["web"]["depends_on"] == {}
