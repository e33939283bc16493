"""Where services refer to each other: in variables, commands, health checks and endpoints.

A reference to a service that may start later, to a port that nothing listens on, or to a name that no
service has is a mistake that often stays unnoticed until a service is slow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address

from stack.model import Service, Stack
from stack.plan import addresses, image_config, images
from stack.plan.service_plan import network_owner, server_image

OUTSIDE = frozenset((addresses.HOST_OF_CONTAINERS, "gateway.docker.internal", "host-gateway"))
"""Names that an engine gives to something else than a service."""


TELEMETRY = ("environment.OTEL_", "environment.METRICS_")
"""Variables of telemetry name services that may start later: exporters send again
(https://opentelemetry.io/docs/specs/otlp/#failures), and metrics are asked for again."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One ``host:port`` (0 where it names no port), and the key of the compose file that holds it."""

    place: str
    host: str
    port: int


def warnings(stack: Stack, services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return a sentence for each reference of ``services`` that is probably a mistake, each once."""
    own = {name: _ports(each) for name, each in stack.services.items()}
    owners = {name: network_owner(name, stack.services) for name in own}
    ports = {name: _in_network(owner, owners, own) for name, owner in owners.items()}
    check = _Check(services=stack.services, ports=ports, inactive=stack.inactive)
    found = [sentence for service in services.values() for sentence in check.of_service(service)]
    for key, value in stack.endpoints.items():
        found += check.of_references(_in_value(f"x-endpoints.{key}", value))
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class _Check:
    services: Mapping[str, Service]
    ports: Mapping[str, frozenset[int]]
    inactive: Collection[str]

    def of_service(self, service: Service) -> Iterator[str]:
        references = [*_in_environment(service), *_in_command(service)]
        yield from self._missing_dependencies(service, references)
        outside = frozenset((*service.extra_hosts, *OUTSIDE))
        yield from self.of_references(each for each in references if each.host not in outside)
        yield from self.of_references(_in_health_check(service), own=service.name)

    def of_references(self, references: Iterator[Reference], own: str | None = None) -> Iterator[str]:
        """The sentences about names and ports; ``own`` is the service that ``localhost`` means."""
        for reference in references:
            if reference.host in addresses.LOCALHOST:
                if own is not None:
                    yield from self._wrong_port(reference, own)
            elif (name := self._name(reference.host)) is not None:
                yield from self._nameless(reference, name)
                yield from self._wrong_port(reference, name)
            elif reference.port and not self._is_known(reference.host):
                yield self._unknown(reference)

    def _is_known(self, host: str) -> bool:
        """Whether a host is no service of the stack, but one of an inactive profile or of another network."""
        return host in self.inactive or "." in host or _is_address(host)

    def _missing_dependencies(self, service: Service, references: list[Reference]) -> Iterator[str]:
        for reference in references:
            name = self._name(reference.host)
            if name is None or name == service.name or name in self._needed_by(service.name):
                continue
            if reference.place.startswith(TELEMETRY):
                continue
            if service.name not in self._needed_by(name):
                yield (
                    f"services.{service.name}: {reference.place} refers to {name}, which its depends_on "
                    f"does not name: {name} may start later"
                )

    def _nameless(self, reference: Reference, name: str) -> Iterator[str]:
        if (owner := network_owner(name, self.services)) != name:
            yield (
                f"{reference.place} refers to {name}, which has no name in any network: "
                f"it is in that of {owner}, as which it is reached"
            )

    def _wrong_port(self, reference: Reference, name: str) -> Iterator[str]:
        known = self.ports[name]
        if reference.port and known and reference.port not in known:
            yield (
                f"{reference.place} refers to port {reference.port} of {name}, "
                f"which has {', '.join(map(str, sorted(known)))}"
            )

    def _unknown(self, reference: Reference) -> str:
        near = get_close_matches(reference.host, self.services, n=1)
        return f"{reference.place} refers to {reference.host}, which is no service" + (
            f"; did you mean {near[0]}?" if near else ""
        )

    def _name(self, host: str) -> str | None:
        """The service of a host name."""
        if host in self.services:
            return host
        return next((name for name, each in self.services.items() if host in each.hostnames), None)

    def _needed_by(self, name: str) -> set[str]:
        """The services that ``name`` depends on, and those that they depend on."""
        needed: set[str] = set()
        queue = [name]
        while queue:
            for dependency in self.services[queue.pop()].depends_on:
                if dependency.service in self.services and dependency.service not in needed:
                    needed.add(dependency.service)
                    queue.append(dependency.service)
        return needed


def _in_network(owner: str, owners: Mapping[str, str], ports: Mapping[str, frozenset[int]]) -> frozenset[int]:
    """The ports of all services in the network of ``owner``; none where those of one are not known."""
    sets = [ports[name] for name, other in owners.items() if other == owner]
    return frozenset().union(*sets) if all(sets) else frozenset()


def _ports(service: Service) -> frozenset[int]:
    """The ports that a service is known to have; none where that is not known."""
    config = image_config.of_service(service)
    declared = {*(port.target for port in service.ports), *service.expose, *config.ports}
    kind = images.server_kind(server_image(service, config))
    own = service.environment.get("PORT", "")
    declared |= {images.PORTS[kind]} if kind and not (service.command or service.entrypoint) else set()
    return frozenset(declared | ({int(own)} if own.isdigit() and declared else set()))


def _in_environment(service: Service) -> Iterator[Reference]:
    environment = {**service.environment, **service.local.environment}
    for key, value in environment.items():
        yield from _in_value(f"environment.{key}", value)
        port = addresses.sibling_port(key, environment)
        if port is not None and addresses.HOST_NAME.fullmatch(value):
            yield Reference(place=f"environment.{key}", host=value, port=port)


def _in_value(place: str, value: str) -> Iterator[Reference]:
    for host, port in addresses.references_in_value(value):
        yield Reference(place=place, host=host, port=port)


def _in_command(service: Service) -> Iterator[Reference]:
    words = (*(service.entrypoint or ()), *(service.command or ()), *(service.local.command or ()))
    for word in words:
        for host, port in addresses.references_in_urls(word):
            if host not in addresses.LOCALHOST:
                yield Reference(place="command", host=host, port=port)


def _in_health_check(service: Service) -> Iterator[Reference]:
    words = service.healthcheck.test[1:] if service.healthcheck is not None else ()
    if "--unix-socket" in " ".join(words):
        return  # curl(1): the host of its URL is no address
    for word in words:
        for host, port in addresses.references_in_urls(word):
            yield Reference(place=f"services.{service.name}: healthcheck.test", host=host, port=port)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
