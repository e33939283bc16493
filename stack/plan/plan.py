"""The plan of a stack: order, ports, argv, environment and health checks, decided before anything starts.

Besides the compose model its only input are host ports and folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from stack.errors import DependencyCycle, NotRunnable, UnknownService
from stack.model import Condition, Service, Stack
from stack.plan import dockerfile, image_config
from stack.plan.addresses import Addresses, referenced_ports, rewrite_names, rewrite_paths

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class ServicePlan:
    """One service, ready to be started.

    ``argv`` is empty where the image decides. ``ports`` maps container to host ports. ``healthcheck`` is
    the check's ``test`` with addresses of this machine, ``executed`` the test as it is run where the
    service runs. ``awaited``: another service waits until this one has completed.
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
    """A stack with every decision made. ``services`` is in start order."""

    name: str
    engine: str
    stack: Stack
    services: Mapping[str, ServicePlan]
    endpoints: Mapping[str, str]


def order(services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return the names in an order in which each service comes after its dependencies.

    Raises:
        DependencyCycle: names the services.
    """
    graph = {name: [d.service for d in s.depends_on if d.service in services] for name, s in services.items()}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise DependencyCycle(
            f"The dependencies are circular: {circle}.", hint="Remove one of these depends_on entries."
        ) from error


def select(stack: Stack, names: Iterable[str]) -> dict[str, Service]:
    """Return the named services and their dependencies; all services where none is named.

    Raises:
        UnknownService: names it and the services that exist.
    """
    queue = list(names) or list(stack.services)
    selected: set[str] = set()
    while queue:
        name = queue.pop()
        if name not in stack.services:
            raise UnknownService(
                f"There is no service {name!r} in {stack.name}.",
                hint=f"Services: {', '.join(stack.services)}.",
            )
        if name not in selected:
            selected.add(name)
            queue += [d.service for d in stack.services[name].depends_on if d.service in stack.services]
    return {name: service for name, service in stack.services.items() if name in selected}


def targets(stack: Stack, services: Mapping[str, Service], *, engine: str) -> dict[str, tuple[int, ...]]:
    """Return the container ports that need a host port.

    A container has an address of its own, so only published ports do. Local processes share one address,
    so exposed ports do, too, and every port that another service refers to.
    """
    if engine != "local":
        return {name: tuple(port.target for port in service.ports) for name, service in services.items()}
    texts = [v for s in services.values() for v in (*s.environment.values(), *(s.command or ()))]
    referenced = referenced_ports([*texts, *stack.endpoints.values()], services)
    result: dict[str, tuple[int, ...]] = {}
    for name, service in services.items():
        declared = [*(p.target for p in service.ports), *service.expose]
        others = sorted(port for service_name, port in referenced if service_name == name)
        result[name] = tuple(dict.fromkeys([*declared, *others]))
    return result


def conditions_on(name: str, services: Mapping[str, Service]) -> set[Condition]:
    """Return the conditions in which other services wait for this one."""
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
        NotRunnable: the local engine has no command for a service.
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
    def rewrite(text: str) -> str:
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
        argv=tuple(rewrite(part) for part in argv),
        environment=values,
        ports=ports,
        cwd=_working_dir(service, folders),
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


def _working_dir(service: Service, folders: Mapping[str, str]) -> Path:
    if service.local.working_dir is not None:
        return service.local.working_dir
    if service.working_dir is not None:
        mounted = rewrite_paths(service.working_dir, folders)
        if mounted != service.working_dir:
            return Path(mounted)
    return service.build.context if service.build is not None else Path("/")


def _command(service: Service) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The command and the image's environment: from x-local, else compose, else the Dockerfile."""
    if service.local.command is not None:
        return service.local.command, {}
    if service.build is None:
        return (*(service.entrypoint or ()), *(service.command or ())), {}
    config = image_config.of_dockerfile(dockerfile.read(service.build))
    entrypoint = config.entrypoint if service.entrypoint is None else service.entrypoint
    default = config.command if service.entrypoint is None else ()
    argv = (*entrypoint, *(default if service.command is None else service.command))
    if not argv:
        raise NotRunnable(
            f"services.{service.name}: there is no command, in the compose file or in its Dockerfile.",
            hint="Give it an x-local command, or use a container engine (--engine docker).",
        )
    return argv, config.environment
