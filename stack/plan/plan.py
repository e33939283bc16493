"""Everything decided before anything starts: order, ports, argv, environment, probes. Pure.

The only input besides the compose model is the choice of host ports and folders, made by
``stack.ports`` and ``stack.state``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from stack.errors import DependencyCycle, NotRunnable, UnknownService
from stack.model import Condition, Service, Stack
from stack.plan import dockerfile
from stack.plan.addresses import Addresses, referenced_ports, rewrite_names, rewrite_paths

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class ServicePlan:
    """One service, ready to be started.

    ``argv`` is empty where the engine's image decides. ``ports`` maps container to host ports.
    ``healthcheck`` is the check's ``test`` with host addresses in place, ``executed`` the same as it is
    run in the service's own place.
    """

    service: Service
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    ports: Mapping[int, int]
    cwd: Path
    healthcheck: tuple[str, ...] = ()
    executed: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)
    awaited: bool = False

    @property
    def name(self) -> str:
        return self.service.name


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A stack with every choice made. ``services`` is in start order."""

    name: str
    engine: str
    stack: Stack
    services: Mapping[str, ServicePlan]
    endpoints: Mapping[str, str]


def order(services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return the names in an order in which each comes after what it needs.

    Raises:
        DependencyCycle: naming the services in the circle.
    """
    graph = {name: [d.service for d in s.depends_on if d.service in services] for name, s in services.items()}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise DependencyCycle(
            f"depends_on goes in a circle: {circle}.", hint="Take one of these dependencies out."
        ) from error


def select(stack: Stack, wanted: Iterable[str]) -> dict[str, Service]:
    """Return the wanted services and all that they need; everything where none is named.

    Raises:
        UnknownService: naming it and what there is.
    """
    queue = list(wanted) or list(stack.services)
    chosen: set[str] = set()
    while queue:
        name = queue.pop()
        if name not in stack.services:
            raise UnknownService(f"There is no service {name!r} in {stack.name}.", hint=_known(stack))
        if name not in chosen:
            chosen.add(name)
            queue += [d.service for d in stack.services[name].depends_on if d.service in stack.services]
    return {name: service for name, service in stack.services.items() if name in chosen}


def _known(stack: Stack) -> str:
    return f"Services: {', '.join(stack.services)}."


def targets(stack: Stack, services: Mapping[str, Service], *, engine: str) -> dict[str, tuple[int, ...]]:
    """Return the container ports that need a host port.

    Containers have addresses of their own: only what is published counts. Local processes share
    one address: also what is exposed, or spoken of by anybody.
    """
    if engine != "local":
        return {name: tuple(port.target for port in service.ports) for name, service in services.items()}
    texts = [v for s in services.values() for v in (*s.environment.values(), *(s.command or ()))]
    spoken = referenced_ports([*texts, *stack.endpoints.values()], services)
    found: dict[str, tuple[int, ...]] = {}
    for name, service in services.items():
        declared = [*(p.target for p in service.ports), *service.expose]
        found[name] = tuple(dict.fromkeys([*declared, *sorted(p for n, p in spoken if n == name)]))
    return found


def conditions_on(name: str, services: Mapping[str, Service]) -> set[Condition]:
    """Return in which conditions other services wait for this one."""
    return {d.condition for s in services.values() for d in s.depends_on if d.service == name}


def make(
    stack: Stack,
    *,
    name: str,
    engine: str,
    services: Mapping[str, Service],
    ports: Mapping[str, Mapping[int, int]],
    folders: Mapping[str, Mapping[str, str]],
) -> Plan:
    """Return the plan of ``stack`` on ``engine``.

    ``ports`` is service -> container port -> host port; ``folders`` is service -> mount target ->
    host folder (only the local engine needs them).

    Raises:
        DependencyCycle: see ``order``.
        NotRunnable: the local engine finds no command for a service.
    """
    addresses = {(s, t): (LOOPBACK, h) for s, table in ports.items() for t, h in table.items()}
    build = _local_service if engine == "local" else _container_service
    planned = {
        s: build(services[s], services, ports.get(s, {}), addresses, folders.get(s, {}))
        for s in order(services)
    }
    endpoints = {key: rewrite_names(value, addresses) for key, value in stack.endpoints.items()}
    return Plan(name=name, engine=engine, stack=stack, services=planned, endpoints=endpoints)


def _container_service(
    service: Service,
    services: Mapping[str, Service],
    ports: Mapping[int, int],
    addresses: Addresses,
    folders: Mapping[str, str],
) -> ServicePlan:
    return ServicePlan(
        service=service,
        argv=(),
        environment=service.environment,
        ports=ports,
        cwd=Path("/"),
        healthcheck=_healthcheck(service, addresses, folders),
        executed=service.healthcheck.test if service.healthcheck is not None else (),
        awaited="service_completed_successfully" in conditions_on(service.name, services),
    )


def _local_service(
    service: Service,
    services: Mapping[str, Service],
    ports: Mapping[int, int],
    addresses: Addresses,
    folders: Mapping[str, str],
) -> ServicePlan:
    def place(text: str) -> str:
        return rewrite_paths(rewrite_names(text, addresses, own=service.name), folders)

    argv, extra = _command(service)
    check = _healthcheck(service, addresses, folders)
    environment = {**extra, **service.environment, **service.local.environment}
    values = {
        key: rewrite_paths(rewrite_names(text, addresses), folders) for key, text in environment.items()
    }
    values |= {"HOST": LOOPBACK}
    if ports:
        values["PORT"] = str(next(iter(ports.values())))
    return ServicePlan(
        service=service,
        argv=tuple(place(part) for part in argv),
        environment=values,
        ports=ports,
        cwd=_working_dir(service),
        healthcheck=check,
        executed=check,
        folders=folders,
        awaited="service_completed_successfully" in conditions_on(service.name, services),
    )


def _healthcheck(service: Service, addresses: Addresses, folders: Mapping[str, str]) -> tuple[str, ...]:
    if service.healthcheck is None:
        return ()
    return tuple(
        rewrite_paths(rewrite_names(part, addresses, own=service.name), folders)
        for part in service.healthcheck.test
    )


def _working_dir(service: Service) -> Path:
    if service.local.working_dir is not None:
        return service.local.working_dir
    return service.build.context if service.build is not None else Path("/")


def _command(service: Service) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """What runs, and the image's own environment: x-local, then compose, then the Dockerfile."""
    if service.local.command is not None:
        return service.local.command, {}
    if service.build is None:
        return (*(service.entrypoint or ()), *(service.command or ())), {}
    recipe = dockerfile.read(service.build.context / service.build.dockerfile)
    entrypoint = recipe.entrypoint if service.entrypoint is None else service.entrypoint
    default = recipe.command if service.entrypoint is None else ()
    argv = (*entrypoint, *(default if service.command is None else service.command))
    if not argv:
        raise NotRunnable(
            f"services.{service.name}: neither command nor the Dockerfile's CMD says what to run.",
            hint="Give it an x-local command, or use a container engine (--engine docker).",
        )
    return argv, recipe.environment
