"""`inv psql`"""

from __future__ import annotations

import shutil

from stack.commands import exec
from stack.control import guardians, plans
from stack.control.choice import Choice
from stack.engines.local import servers
from stack.errors import ServerMissing
from stack.plan.plan import LOOPBACK
from stack.records import plans as stored_plans
from stack.system import programs


def run(choice: Choice, command: str) -> int:
    """Open psql on the stack's Postgres, or run one command."""
    kept = guardians.require_running(choice.resolve_name())
    planned = plans.service_of_image(stored_plans.read(kept.name), "postgres")
    user = planned.service.environment.get("POSTGRES_USER", "postgres")
    database = planned.service.environment.get("POSTGRES_DB", user)
    extra = ["--command", command] if command else []
    if kept.engine != "local":
        return programs.attach(
            exec.container_argv(kept, planned.name, ["psql", "-U", user, "-d", database, *extra], fresh=False)
        )
    program = shutil.which("psql") or servers.client(planned.service.image or "", "psql")
    if program is None:
        raise ServerMissing("There is no psql here.", hint="Install a Postgres client.")
    environment = exec.local_environment(planned, kept) | {
        "PGPASSWORD": planned.service.environment["POSTGRES_PASSWORD"]
    }
    port = str(next(iter(planned.ports.values())))
    return programs.attach(
        [str(program), "-h", LOOPBACK, "-p", port, "-U", user, "-d", database, *extra], env=environment
    )
