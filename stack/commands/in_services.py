"""The backend's own commands, where it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.errors import CommandFailed, UnknownService
from stack.plan.service_plan import Plan, ServicePlan
from stack.records.state import StackState
from stack.system import programs
from stack.system.disk_space import disk_full, reports_full_disk

BACKEND = "backend"
LIMIT_S = 1800.0


def backend_of(plan: Plan) -> ServicePlan:
    """Return the service whose commands migrate and seed, also where the stack was started without it.

    Raises:
        UnknownService: the compose files have none.
    """
    if BACKEND in plan.services:
        return plan.services[BACKEND]
    if BACKEND not in plan.stack.services:
        raise UnknownService(
            f"{plan.name} has no service {BACKEND!r}, which migrates and seeds.",
            hint="Without one there are `inv snapshot`, `inv backup` and `inv restore`.",
        )
    from stack.plan import plan as planning

    services = {BACKEND: plan.stack.services[BACKEND]}
    alone = planning.make(
        plan.stack, name=plan.name, engine=plan.engine, services=services, ports={}, folders={}, networks=True
    )
    return alone.services[BACKEND]


def run(state: StackState, plan: Plan, argv: Sequence[str], values: Mapping[str, str]) -> None:
    """Run a command as the backend would, with further environment ``values``.

    Raises:
        DiskFull: the database has no room for what it stores.
        CommandFailed: it failed.
    """
    try:
        _run(state, plan, argv, values)
    except CommandFailed as error:
        raise disk_full(Path("the database")) if reports_full_disk(error.output) else error from error


def _run(state: StackState, plan: Plan, argv: Sequence[str], values: Mapping[str, str]) -> None:
    if state.engine == "local":
        from stack.control import local_place

        backend = backend_of(plan)
        place = local_place.of_service(backend, state)
        program = Path(place.environment["VIRTUAL_ENV"]) / "bin" / argv[0]
        words = place.inside([str(program), *argv[1:]], on_its_network=False)
        programs.run(words, cwd=backend.cwd, env={**place.environment, **values}, timeout_s=LIMIT_S)
        return
    # Only the names are in the argv: the values, a password among them, travel in the environment.
    names = [word for name in values for word in ("--env", name)]
    programs.run(_in_container(state, argv, names), env={**os.environ, **values}, timeout_s=LIMIT_S)


def container(state: StackState, service: str) -> str:
    """Return the name of a service's container."""
    from stack.engines.container import resources

    return resources.container_of(state.name, service)


def _in_container(state: StackState, argv: Sequence[str], options: list[str]) -> list[str]:
    """Return the command that runs ``argv`` in the backend's container, or in one made for it."""
    from stack.commands import exec

    words = [state.engine, "inspect", "--format", "{{.State.Running}}", container(state, BACKEND)]
    if programs.run(words, check=False, timeout_s=20).stdout.strip() == "true":
        # Compose's own exec does not pass on a variable that is given by its name alone.
        return [state.engine, "exec", *options, container(state, BACKEND), *argv]
    return exec.container_argv(state, BACKEND, argv, fresh=True, options=options, terminal=False)
