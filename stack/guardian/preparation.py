"""From a request to a plan: the compose files, the port leases and the folders of a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from stack import compose
from stack.engines.local import limits, written_files
from stack.engines.protocol import Engine, Site
from stack.model import Service, Stack
from stack.plan import image_volumes, plain_images, unenforced
from stack.plan import plan as planning
from stack.plan import ports as published
from stack.plan.plan import Plan
from stack.records import folders, port_leases, state
from stack.records.names import require_part
from stack.records.request import Request


def load(request: Request) -> Stack:
    """Return the requested compose files.

    Raises:
        ComposeError: they cannot be understood.
    """
    loaded = compose.load(
        *map(Path, request.files),
        profiles=request.profiles,
        targets=request.services,
        env_file=Path(request.env_file) if request.env_file else None,
    )
    return plain_images.with_builds(loaded) if request.engine == "local" else loaded


def make_plan(
    request: Request,
    loaded: Stack,
    engine: Engine,
    *,
    reserve: Callable[[int], bool],
    note: Callable[[str], None],
    networks: bool,
) -> Plan:
    """Return the plan of the requested stack; its ports are leased.

    ``networks``: each service has a network of its own.

    Raises:
        StackError: a service cannot be run, or a port is taken.
    """
    loaded, services = _select(request, loaded)
    leases = port_leases.lease(
        request.name,
        services,
        published.targets(loaded, services, engine=request.engine, networks=networks),
        alive=set(folders.names()) | {request.name},
        reserve=reserve,
    )
    for sentence in (*leases.notes, _ignored_keys(request.engine, services, networks=networks)):
        if sentence:
            note(sentence)
    site = site_of(request)
    plan = planning.make(
        loaded,
        name=request.name,
        engine=request.engine,
        services=services,
        ports=leases.ports,
        folders=engine.folders(loaded, site),
        networks=networks,
        configs=written_files.image_configs(services, site) if request.engine == "local" else None,
    )
    return replace(planning.with_further_ports(plan, leases.further), profiles=request.profiles)


def _select(request: Request, loaded: Stack) -> tuple[Stack, dict[str, Service]]:
    """Return the stack, with the volumes that its images want, and the requested services of it.

    Raises:
        StackError: a name cannot be used, or services wait for each other in a circle.
    """
    services = planning.select(loaded, request.services)
    if request.engine == "local":  # a container engine makes them itself
        loaded = image_volumes.with_volumes(loaded, services)
        services = planning.select(loaded, request.services)
    for service in services:
        require_part("service", service)
    for volume in loaded.volumes.values():
        require_part("volume", volume)
    planning.order(services)
    return loaded, services


def _ignored_keys(engine: str, services: Mapping[str, Service], *, networks: bool) -> str:
    """Return one sentence on what the files say and the engine does not do, empty where it does all."""
    if engine == "local":
        named = unenforced.WITH_NETWORKS if networks else frozenset()
        return unenforced.sentence(services, enforced=named | limits.enforced(services.values()))
    several = [name for name, service in services.items() if service.replicas > 1]
    return f"One container is started of {', '.join(several)}: replicas have no effect." if several else ""


def site_of(request: Request) -> Site:
    """Return the folders of the requested stack."""
    return Site(
        name=request.name,
        folder=folders.of_stack(request.name),
        scratch=state.scratch(request.name),
        run=Path(request.run),
        token=request.token,
        ephemeral=request.ephemeral,
    )
