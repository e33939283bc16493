"""Commands where a service runs: the backend's own, `df` beside Postgres; and a container's addresses."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.control import plans
from stack.errors import CommandFailed, NotUp
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
    if BACKEND in plan.services or BACKEND not in plan.stack.services:
        return plans.service_of(plan, BACKEND)
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


def free_bytes(state: StackState, service: str) -> int | None:
    """Return how much room is left where the container of a Postgres service keeps its data."""
    command = 'df -Pk "${PGDATA:-/var/lib/postgresql/data}" | tail -n 1'
    words = [state.engine, "exec", container(state, service), "sh", "-c", command]
    fields = programs.run(words, check=False, timeout_s=20).stdout.split()
    return int(fields[3]) * 1024 if len(fields) > 3 and fields[3].isdecimal() else None


def _in_container(state: StackState, argv: Sequence[str], options: list[str]) -> list[str]:
    """Return the command that runs ``argv`` in the backend's container, or in one made for it."""
    from stack.commands import exec

    words = [state.engine, "inspect", "--format", "{{.State.Running}}", container(state, BACKEND)]
    if programs.run(words, check=False, timeout_s=20).stdout.strip() == "true":
        # Compose's own exec does not pass on a variable that is given by its name alone.
        return [state.engine, "exec", *options, container(state, BACKEND), *argv]
    return exec.container_argv(state, BACKEND, argv, fresh=True, options=options, terminal=False)


def addresses(state: StackState, service: str) -> frozenset[str]:
    """Return the addresses of the service's container, which must carry the label of this stack."""
    from stack.engines.container.resources import PROJECT_LABEL

    name = container(state, service)
    inspected = programs.run([state.engine, "inspect", name], check=False, timeout_s=20)
    if inspected.returncode != 0:
        raise NotUp(f"The container {name} does not run.", hint=f"Start it: `inv start {service}`.")
    seen = json.loads(inspected.stdout)[0]
    if seen["Config"]["Labels"].get(PROJECT_LABEL) != state.name:
        return frozenset()
    networks = seen["NetworkSettings"]["Networks"].values()
    return frozenset(network["IPAddress"] for network in networks if network["IPAddress"])
