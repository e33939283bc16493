"""Which container ports need a port of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from stack.model import Port, Service, Stack
from stack.plan import image_config, images
from stack.plan.addresses import referenced_ports
from stack.plan.image_config import ImageConfig
from stack.plan.service_plan import server_image


def targets(
    stack: Stack, services: Mapping[str, Service], *, engine: str, networks: bool = False
) -> dict[str, tuple[int, ...]]:
    """Return the container ports that need a host port.

    A container has an address of its own, so only published ports do. A local process with a network of its
    own (``networks``) has one, too; endpoints and servers are published besides, for the commands of people.
    Local processes that share one address need one for exposed ports as well, and for every port that another
    service refers to. Of a local process those of TCP alone are published.
    """
    if engine != "local":
        return {name: _published(service.ports) for name, service in services.items()}
    configs = image_config.of_services(services)
    texts = [] if networks else [text for service in services.values() for text in _texts(service)]
    owners = {alias: name for name, service in services.items() for alias in (*service.hostnames, name)}
    pairs = referenced_ports([*texts, *stack.endpoints.values()], owners)
    referenced = {(owners[alias], port) for alias, port in pairs}
    result: dict[str, tuple[int, ...]] = {}
    for name, service in services.items():
        declared = [
            *_published(each for each in service.ports if each.protocol == "tcp"),
            *([] if networks else service.expose),
        ]
        declared += _server_ports(service, configs[name])
        others = sorted(port for service_name, port in referenced if service_name == name)
        result[name] = tuple(dict.fromkeys([*declared, *others]))
    return result


def _published(published: Iterable[Port]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(port.target for port in published))


def _server_ports(service: Service, config: ImageConfig) -> list[int]:
    kind = images.server_kind(server_image(service, config))
    return [images.PORTS[kind]] if kind else []


def _texts(service: Service) -> Iterator[str]:
    """What a service may be told an address by."""
    yield from service.environment.values()
    yield from service.local.environment.values()
    yield from (*(service.command or ()), *(service.local.command or ()))
