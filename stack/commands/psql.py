"""`inv psql`: open psql on a stack's Postgres."""

from __future__ import annotations

import shutil

from stack.commands import exec
from stack.control import guardians, plans
from stack.control.choice import Choice
from stack.engines.local import servers
from stack.errors import ServerMissing
from stack.plan.plan import LOOPBACK, ServicePlan
from stack.records import plans as stored_plans
from stack.records.state import StackState
from stack.system import programs


def run(choice: Choice, command: str) -> int:
    """Open psql, or run one SQL statement; return psql's exit code.

    Raises:
        ServerMissing: the local engine finds no psql.
    """
    stack = guardians.require_running(choice.resolve_name())
    planned = plans.service_of_kind(stored_plans.read(stack.name), "postgres")
    user = planned.service.environment.get("POSTGRES_USER", "postgres")
    database = planned.service.environment.get("POSTGRES_DB", user)
    options = ["-U", user, "-d", database, *(["--command", command] if command else [])]
    if stack.engine != "local":
        return programs.attach(exec.container_argv(stack, planned.name, ["psql", *options], fresh=False))
    return _local_psql(stack, planned, options)


def _local_psql(stack: StackState, planned: ServicePlan, options: list[str]) -> int:
    program = shutil.which("psql") or servers.client(planned.service.image or "", "psql")
    if program is None:
        raise ServerMissing("psql is not installed.", hint="Install a Postgres client.")
    environment = exec.local_environment(planned, stack) | {
        "PGPASSWORD": planned.service.environment["POSTGRES_PASSWORD"]
    }
    port = str(next(iter(planned.ports.values())))
    return programs.attach([str(program), "-h", LOOPBACK, "-p", port, *options], env=environment)
