"""`inv exec`, `inv run`, `inv shell`, `inv manage`: run a command in a service."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Final

from stack.commands import options
from stack.control import guardians, local_place, plans
from stack.control.choice import Choice
from stack.errors import NotRunnable, UnknownService
from stack.plan.addresses import rewrite_names, rewrite_paths
from stack.plan.plan import LOOPBACK, Plan, ServicePlan
from stack.records import folders
from stack.records import plans as stored_plans
from stack.records.state import StackState
from stack.system import programs

CLIENTS: Final = {
    "redis-cli": ("redis-tools", "inv redis-cli"),
    "valkey-cli": ("valkey-tools", "inv redis-cli"),
    "psql": ("postgresql-client", "inv psql"),
}
"""Clients of servers: the package of Debian that has each, and the command that does the same."""


def run(choice: Choice, service: str, command: str, *, fresh: bool = False) -> int:
    """Run ``command`` in ``service``, or with ``fresh`` in a new copy of it, and return its exit code.

    It uses the person's terminal. On the local engine it runs with the service's environment, in its folder.

    Raises:
        NotRunnable: the local engine finds no such program.
        UnknownService: the stack has no such service.
        InvalidOption: a quotation mark of ``command`` is not closed.
    """
    stack = guardians.require_running(choice.resolve_name())
    words = options.words(command)
    if stack.engine != "local":
        return programs.attach(container_argv(stack, service, words, fresh=fresh))
    plan = stored_plans.read(stack.name)
    planned = plans.service_of(plan, service)
    place = local_place.of_service(planned, stack)
    argv = _local_words(plan, planned, words)
    program = shutil.which(argv[0], path=place.environment["PATH"])
    if program is None:
        raise _no_program(planned, argv[0])
    # The endpoints are this machine's addresses, which a network of its own does not reach.
    endpoints = {} if planned.network == "own" else dict(plan.endpoints)
    inside = place.inside([program, *argv[1:]])
    return programs.attach(inside, env=place.environment | endpoints, cwd=planned.cwd)


def _no_program(planned: ServicePlan, program: str) -> NotRunnable:
    """Return the error for a program that a service of the local engine does not have, with the way out."""
    if planned.server_image and program in CLIENTS:
        package, command = CLIENTS[program]
        return NotRunnable(
            f"{planned.name} has no program {program!r}: its image does, this machine does not.",
            hint=f"`{command}` needs no such program; or install it (Debian: `apt install {package}`).",
        )
    return NotRunnable(
        f"{planned.name} has no program {program!r}: neither its own environment nor this machine has it.",
        hint="Check the spelling of the command, or install the program here.",
    )


def _local_words(plan: Plan, planned: ServicePlan, words: Sequence[str]) -> list[str]:
    """The words with the folders and, where services share one network, the addresses of this machine."""
    addresses = {(s.name, t): (LOOPBACK, p) for s in plan.services.values() for t, p in s.ports.items()}
    if planned.network == "own":
        addresses = {}
    own = planned.name
    return [rewrite_paths(rewrite_names(word, addresses, own=own), planned.folders) for word in words]


def container_argv(
    stack: StackState,
    service: str,
    words: Sequence[str],
    *,
    fresh: bool,
    options: Sequence[str] = (),
    terminal: bool | None = None,
) -> list[str]:
    """Return the Compose command that runs ``words`` in the service's container, or in a ``fresh`` one.

    ``options`` are further ones of `compose exec` and `compose run`. ``terminal`` gives the command a
    terminal, by default where this command has one.

    Raises:
        UnknownService: the stack has no such service.
    """
    if service not in stack.ports:
        raise UnknownService(f"There is no service {service!r}.", hint=f"Services: {', '.join(stack.ports)}.")
    from stack.engines.container import engine, podman

    compose_file = str(folders.of_stack(stack.name) / engine.RESOLVED)
    base = [*podman.compose(stack.engine), "--project-name", stack.name, "--file", compose_file]
    terminal = sys.stdin.isatty() if terminal is None else terminal
    verb = ["run", "--rm", "--no-deps"] if fresh else ["exec"]
    return [*base, *verb, *([] if terminal else ["-T"]), *options, service, *words]
