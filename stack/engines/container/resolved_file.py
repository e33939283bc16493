"""The file that compose resolves (``compose config``), arranged as the file of one stack."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from stack.engines.container import images, resources
from stack.plan.plan import Plan, ServicePlan
from stack.system.directories import home_id


def arrange(resolved: dict[str, Any], plan: Plan, *, rename: bool) -> dict[str, Any]:
    """Return a resolved compose file with the plan's name, ports and image tags, its volumes known by their
    home; ``rename`` keeps networks and volumes apart from those of the main stack."""
    resolved["name"] = plan.name
    resolved["services"] = {k: v for k, v in resolved["services"].items() if k in plan.services}
    for name, service in resolved["services"].items():
        _arrange_service(service, plan.services[name], among=plan.services)
    for kind in ("networks", "volumes"):
        for key, value in (resolved.get(kind) or {}).items():
            if rename and not (value or {}).get("external"):
                resolved[kind][key] = {**(value or {}), "name": f"{plan.name}-{key}"}
    for key, value in (resolved.get("volumes") or {}).items():
        if not (value or {}).get("external"):
            labels = {**((value or {}).get("labels") or {}), resources.HOME_LABEL: home_id()}
            resolved["volumes"][key] = {**(value or {}), "labels": labels}
    return resolved


def _with_alias(network: dict[str, Any] | None, name: str) -> dict[str, Any]:
    """Return how a service is in a network, with a further name for the others there."""
    return {**(network or {}), "aliases": [*((network or {}).get("aliases") or ()), name]}


def _publish(ports: list[dict[str, Any]], planned: ServicePlan) -> None:
    """Give each published port its host port; one of the container may be published several times."""
    left: dict[tuple[int, Any], list[int]] = {}
    for port in ports:
        target = int(port["target"])
        further = (host for other, host in planned.further_ports if other == target)
        hosts = left.setdefault((target, port.get("protocol")), [*further, planned.ports[target]])
        port["published"] = str(hosts.pop(0))


def _arrange_service(service: dict[str, Any], planned: ServicePlan, *, among: Collection[str]) -> None:
    service |= {"restart": "no"}  # what has to come back is brought back by us, and told
    if (alias := service.get("container_name")) and (networks := service.get("networks")):
        service["networks"] = {key: _with_alias(network, alias) for key, network in networks.items()}
    for key in ("profiles", "container_name", "scale"):
        service.pop(key, None)
    service.get("deploy", {}).pop("replicas", None)  # one is started, which is said
    # Compose keeps dependencies that are not required when it leaves out their services.
    for absent in set(service.get("depends_on", {})) - set(among):
        del service["depends_on"][absent]
    _publish(service.get("ports", []), planned)
    if planned.service.build is not None and "image" not in service:
        service["image"] = images.tag(planned.name, planned.service.build)
        service["build"].setdefault("labels", {})[resources.IMAGE_LABEL] = home_id()
