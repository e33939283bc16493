"""The plan of a stack: order, ports, argv, environment and health checks, decided before anything starts.

Besides the compose model its only input are host ports and folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from stack.errors import DependencyCycle, NotRunnable, UnknownService
from stack.model import Condition, Service, Stack
from stack.plan import image_config, references
from stack.plan.addresses import LOOPBACK as LOOPBACK
from stack.plan.addresses import Addresses, rewrite_names
from stack.plan.local_service import plan_local_service
from stack.plan.service_plan import ImageConfig, Problem, server_image
from stack.plan.service_plan import Plan as Plan
from stack.plan.service_plan import ServicePlan as ServicePlan


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

    One of which there shall be none (``scale: 0``) is left out, and nobody waits for it.

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
    return {
        name: service for name, service in stack.services.items() if name in selected and service.replicas
    }


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
    networks: bool = False,
    configs: Mapping[str, ImageConfig] | None = None,
) -> Plan:
    """Return the plan of ``stack`` on ``engine``; with ``networks`` each local service has one of its own.

    ``ports`` is service -> container port -> host port; ``folders`` is service -> mount target ->
    host folder (only the local engine needs them). ``configs`` are those of the services' images, where
    an engine has read them already.

    Raises:
        DependencyCycle: see ``order``.
        ComposeError: a Dockerfile is missing, or has not the stage that ``build.target`` names.
    """
    addresses = _addresses(services, ports)
    configs = image_config.of_services(services) if configs is None else configs
    planned: dict[str, ServicePlan] = {}
    for key in order(services):
        conditions = conditions_on(key, services)
        is_job = "service_completed_successfully" in conditions
        service = _with_image_defaults(services[key], configs[key])
        if is_job and "service_healthy" not in conditions:
            service = replace(service, healthcheck=None)
        own = ports.get(key, {})
        if engine == "local":
            made = plan_local_service(
                service,
                configs[key],
                ports=own,
                addresses=None if networks else addresses,
                mounts=folders.get(key, {}),
                project=stack.directory,
            )
        else:
            made = _container_service(service, configs[key], own, addresses)
        planned[key] = replace(made, awaited=is_job)
    endpoints = {key: rewrite_names(value, addresses) for key, value in stack.endpoints.items()}
    notes = references.warnings(stack, services)
    return Plan(name=name, engine=engine, stack=stack, services=planned, endpoints=endpoints, notes=notes)


def _addresses(services: Mapping[str, Service], ports: Mapping[str, Mapping[int, int]]) -> Addresses:
    """Where this machine reaches each port, by every name of its service."""
    names = {key: (key, *(services[key].hostnames if key in services else ())) for key in ports}
    return {
        (name, target): (LOOPBACK, port)
        for key, table in ports.items()
        for target, port in table.items()
        for name in names[key]
    }


def with_further_ports(plan: Plan, further: Mapping[str, tuple[tuple[int, int], ...]]) -> Plan:
    """Return the plan with what services publish besides: service -> (container port, host port)."""
    services = {
        name: replace(service, further_ports=further.get(name, ())) for name, service in plan.services.items()
    }
    return replace(plan, services=services)


def require_runnable(plan: Plan, further: Mapping[str, Problem] | None = None) -> None:
    """Raise where an engine cannot run a service; ``further`` are problems that the engine itself finds.

    Raises:
        NotRunnable: names every such service, each with its way out.
    """
    problems = {name: planned.problem for name, planned in plan.services.items() if planned.problem}
    problems = {**(further or {}), **problems}
    if len(problems) == 1:
        (problem,) = problems.values()
        raise NotRunnable(problem.sentence, hint=problem.way_out)
    if problems:
        lines = "".join(f"\n  {each.sentence} {each.way_out}" for each in problems.values())
        raise NotRunnable(f"{len(problems)} services cannot run on the {plan.engine} engine:{lines}")


def _container_service(
    service: Service, image: ImageConfig, ports: Mapping[int, int], addresses: Addresses
) -> ServicePlan:
    test = service.healthcheck.test if service.healthcheck is not None else ()
    return ServicePlan(
        service=service,
        argv=(),
        environment=service.environment,
        ports=ports,
        cwd=Path("/"),
        healthcheck=tuple(rewrite_names(part, addresses, own=service.name) for part in test),
        executed=test,
        image=image,
        network="container",
        server_image=server_image(service, image),
    )


def _with_image_defaults(service: Service, image: ImageConfig) -> Service:
    """The service with what its image says where the compose file is silent."""
    check = None if service.healthcheck_disabled else image.healthcheck
    return replace(
        service,
        healthcheck=service.healthcheck or check,
        user=service.user or image.user,
        stop_signal=service.stop_signal or image.stop_signal,
    )
