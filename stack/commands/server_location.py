"""Where a Postgres of a stack must be: its folder or its addresses, by which the guard knows it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from stack.commands import in_services
from stack.data.guard import Location
from stack.data.stores import Server
from stack.errors import NotUp
from stack.plan.images import major_version, parse_reference
from stack.plan.service_plan import Plan, ServicePlan
from stack.records import state as records
from stack.records.state import StackState
from stack.system import programs


def of_server(state: StackState, plan: Plan, server: Server) -> Location:
    """Return where a Postgres must be.

    Raises:
        NotUp: there is no container of it.
    """
    if state.engine == "local":
        folder = _data_folder(state, plan.services[server.service])
        return Location(data_directory=folder, free_bytes=lambda: shutil.disk_usage(folder).free)
    return Location(
        addresses=_addresses(state, server.service),
        free_bytes=lambda: _free_bytes(state, server.service),
    )


def _data_folder(state: StackState, planned: ServicePlan) -> Path:
    """Return where the local engine keeps the data of a Postgres: in a mount, or in the stack's scratch."""
    from stack.engines.local import postgres_data

    version = major_version(parse_reference(planned.server_image).tag)
    target = postgres_data.data_target(planned.service, version)
    folders = {inside: Path(folder) for inside, folder in planned.folders.items()}
    return postgres_data.host_folder(target, folders, records.scratch(state.name) / planned.name)


def _free_bytes(state: StackState, service: str) -> int | None:
    """Return how much room is left where the container of a Postgres service keeps its data."""
    command = 'df -Pk "${PGDATA:-/var/lib/postgresql/data}" | tail -n 1'
    words = [state.engine, "exec", in_services.container(state, service), "sh", "-c", command]
    fields = programs.run(words, check=False, timeout_s=20).stdout.split()
    return int(fields[3]) * 1024 if len(fields) > 3 and fields[3].isdecimal() else None


def _addresses(state: StackState, service: str) -> frozenset[str]:
    """Return the addresses of the service's container, which must carry the label of this stack.

    Raises:
        NotUp: there is no such container.
    """
    from stack.engines.container.resources import PROJECT_LABEL

    name = in_services.container(state, service)
    inspected = programs.run([state.engine, "inspect", name], check=False, timeout_s=20)
    if inspected.returncode != 0:
        raise NotUp(f"The container {name} does not run.", hint=f"Start it: `inv start {service}`.")
    seen = json.loads(inspected.stdout)[0]
    if seen["Config"]["Labels"].get(PROJECT_LABEL) != state.name:
        return frozenset()
    networks = seen["NetworkSettings"]["Networks"].values()
    return frozenset(network["IPAddress"] for network in networks if network["IPAddress"])
