"""`inv exec`, `inv run`, `inv shell`, `inv manage`"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence

from stack.control import guardians, plans
from stack.control.choice import Choice
from stack.environments import virtualenv
from stack.errors import NotRunnable, UnknownService
from stack.plan.addresses import rewrite_names, rewrite_paths
from stack.plan.plan import LOOPBACK, ServicePlan
from stack.records import plans as stored_plans
from stack.records import state
from stack.records.state import StackState
from stack.system import programs


def run(choice: Choice, service: str, command: str, *, fresh: bool = False) -> int:
    """Run ``command`` in the place of ``service`` on the user's terminal; return its exit code."""
    kept = guardians.require_running(choice.resolve_name())
    words = shlex.split(command)
    if kept.engine != "local":
        return programs.attach(container_argv(kept, service, words, fresh=fresh))
    made = stored_plans.read(kept.name)
    planned = plans.service_of(made, service)
    environment = local_environment(planned, kept)
    addresses = {(s.name, t): (LOOPBACK, p) for s in made.services.values() for t, p in s.ports.items()}
    argv = [rewrite_paths(rewrite_names(word, addresses, own=service), planned.folders) for word in words]
    program = shutil.which(argv[0], path=environment["PATH"])
    if program is None:
        raise NotRunnable(
            f"There is no program {argv[0]!r} in the place of {service}.", hint="Check the command."
        )
    return programs.attach([program, *argv[1:]], env=environment | dict(made.endpoints), cwd=planned.cwd)


def local_environment(planned: ServicePlan, kept: StackState) -> dict[str, str]:
    """Return the environment of a service of the local engine."""
    from stack.engines.local.engine import service_environment

    service = planned.service
    context = service.build.context if service.build is not None else None
    bins = virtualenv.sync(context, python=service.local.python).bin if context is not None else None
    return service_environment(planned, kept.token, bins)


def container_argv(kept: StackState, service: str, words: Sequence[str], *, fresh: bool) -> list[str]:
    if service not in kept.ports:
        raise UnknownService(f"There is no service {service!r}.", hint=f"Services: {', '.join(kept.ports)}.")
    from stack.engines.container import engine, podman

    compose_file = str(state.folder(kept.name) / engine.RESOLVED)
    base = [*podman.compose(kept.engine), "--project-name", kept.name, "--file", compose_file]
    quiet = [] if sys.stdin.isatty() else ["-T"]
    verb = ["run", "--rm", "--no-deps", *quiet] if fresh else ["exec", *quiet]
    return [*base, *verb, service, *words]
