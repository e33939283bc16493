"""The plan of a running stack."""

from __future__ import annotations

from pathlib import Path

from stack import compose
from stack.engines import registry
from stack.engines.protocol import Site
from stack.errors import UnknownService
from stack.plan import plan
from stack.plan.plan import Plan, ServicePlan
from stack.records import state
from stack.records.state import StackState


def site_of(kept: StackState) -> Site:
    """Return where a living stack is."""
    return Site(
        name=kept.name,
        folder=state.folder(kept.name),
        scratch=state.scratch(kept.name),
        run=Path(kept.run),
        token=kept.token,
        ephemeral=kept.ephemeral,
    )


def plan_of(kept: StackState) -> Plan:
    """Return the plan of a living stack, made again from its files and its ports."""
    loaded = compose.load(*map(Path, kept.files), env_file=Path(kept.work_tree) / ".env.local")
    services = {name: loaded.services[name] for name in kept.ports if name in loaded.services}
    table = {name: {int(t): p for t, p in ports.items()} for name, ports in kept.ports.items()}
    folders = registry.create(kept.engine).folders(loaded, site_of(kept))
    return plan.make(
        loaded, name=kept.name, engine=kept.engine, services=services, ports=table, folders=folders
    )


def service_of(made: Plan, name: str) -> ServicePlan:
    """Return one service of a plan.

    Raises:
        UnknownService: it has no such service.
    """
    if name not in made.services:
        raise UnknownService(f"There is no service {name!r}.", hint=f"Services: {', '.join(made.services)}.")
    return made.services[name]


def service_of_image(made: Plan, word: str) -> ServicePlan:
    for planned in made.services.values():
        if planned.service.image and word in planned.service.image.rsplit("/", 1)[-1].split(":")[0]:
            return planned
    raise UnknownService(f"{made.name} has no {word}.", hint=f"Services: {', '.join(made.services)}.")
