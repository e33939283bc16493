"""`inv psql`: open psql on a stack's Postgres."""

from __future__ import annotations

import shutil

from stack.commands import exec
from stack.control import guardians, local_place, plans
from stack.control.choice import Choice
from stack.engines.local import servers
from stack.errors import ServerMissing
from stack.plan import file_variables, images
from stack.plan.plan import LOOPBACK, ServicePlan
from stack.records import plans as stored_plans
from stack.records.state import StackState
from stack.system import programs


def run(choice: Choice, command: str, *, service: str = "") -> int:
    """Open psql, or run one SQL statement; return psql's exit code.

    Raises:
        ServerMissing: the local engine finds no psql.
    """
    stack = guardians.require_running(choice.resolve_name())
    planned = plans.service_of_kind(stored_plans.read(stack.name), "postgres", service)
    user = file_variables.read(planned, "POSTGRES_USER") or "postgres"
    database = file_variables.read(planned, "POSTGRES_DB") or user
    options = ["-U", user, "-d", database, *(["--command", command] if command else [])]
    if stack.engine != "local":
        return programs.attach(exec.container_argv(stack, planned.name, ["psql", *options], fresh=False))
    return _local_psql(stack, planned, options)


def _local_psql(stack: StackState, planned: ServicePlan, options: list[str]) -> int:
    program = shutil.which("psql") or servers.client(planned.server_image, "psql")
    if program is None:
        raise ServerMissing("psql is not installed.", hint="Install a Postgres client.")
    environment = local_place.of_service(planned, stack).environment
    if password := file_variables.read(planned, "POSTGRES_PASSWORD"):
        environment["PGPASSWORD"] = password
    port = planned.host_port(images.PORTS["postgres"])
    return programs.attach([str(program), "-h", LOOPBACK, "-p", str(port), *options], env=environment)
