"""A service's place, seen from outside: run a program with its environment, folder and addresses."""

from __future__ import annotations

import shlex
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from stack import commands, compose, engines, environments, images, plan, report, stacks, state
from stack.addresses import rewrite_names, rewrite_paths
from stack.engines import Site
from stack.errors import NotRunnable, ServerMissing, UnknownService
from stack.plan import LOOPBACK, Plan, ServicePlan
from stack.stacks import Choice
from stack.state import StackState


def site_of(kept: StackState) -> Site:
    """Answer where a living stack is."""
    return Site(
        name=kept.name,
        folder=state.folder(kept.name),
        scratch=state.scratch(kept.name),
        run=Path(kept.run),
        token=kept.token,
        ephemeral=kept.ephemeral,
    )


def plan_of(kept: StackState) -> Plan:
    """Answer the plan of a living stack, made again from its files and its ports."""
    loaded = compose.load(*map(Path, kept.files), env_file=Path(kept.work_tree) / ".env.local")
    services = {name: loaded.services[name] for name in kept.ports if name in loaded.services}
    table = {name: {int(t): p for t, p in ports.items()} for name, ports in kept.ports.items()}
    folders = engines.create(kept.engine).folders(loaded, site_of(kept))
    return plan.make(
        loaded, name=kept.name, engine=kept.engine, services=services, ports=table, folders=folders
    )


def service_of(made: Plan, name: str) -> ServicePlan:
    """Answer one service of a plan.

    Raises:
        UnknownService: it has no such service.
    """
    if name not in made.services:
        raise UnknownService(f"There is no service {name!r}.", hint=f"Services: {', '.join(made.services)}.")
    return made.services[name]


def execute(choice: Choice, service: str, command: str, *, fresh: bool = False) -> int:
    """Run ``command`` in the place of ``service`` on the user's terminal; answers its exit code."""
    kept = stacks.found(stacks.meant(choice))
    words = shlex.split(command)
    if kept.engine != "local":
        return commands.attach(_container_words(kept, service, words, fresh=fresh))
    made = plan_of(kept)
    planned = service_of(made, service)
    environment = local_environment(planned, kept)
    addresses = {(s.name, t): (LOOPBACK, p) for s in made.services.values() for t, p in s.ports.items()}
    argv = [rewrite_paths(rewrite_names(word, addresses, own=service), planned.folders) for word in words]
    program = shutil.which(argv[0], path=environment["PATH"])
    if program is None:
        raise NotRunnable(
            f"There is no program {argv[0]!r} in the place of {service}.", hint="Check the command."
        )
    return commands.attach([program, *argv[1:]], env=environment | dict(made.endpoints), cwd=planned.cwd)


def local_environment(planned: ServicePlan, kept: StackState) -> dict[str, str]:
    """Answer the environment of a service of the local engine."""
    from stack.engines.local import service_environment

    service = planned.service
    context = service.build.context if service.build is not None else None
    bins = environments.sync(context, python=service.local.python).bin if context is not None else None
    return service_environment(planned, kept.token, bins)


def _container_words(kept: StackState, service: str, words: Sequence[str], *, fresh: bool) -> list[str]:
    if service not in kept.ports:
        raise UnknownService(f"There is no service {service!r}.", hint=f"Services: {', '.join(kept.ports)}.")
    from stack.engines import docker, podman

    compose_file = str(state.folder(kept.name) / docker.RESOLVED)
    base = [*podman.compose(kept.engine), "--project-name", kept.name, "--file", compose_file]
    quiet = [] if sys.stdin.isatty() else ["-T"]
    verb = ["run", "--rm", "--no-deps", *quiet] if fresh else ["exec", *quiet]
    return [*base, *verb, service, *words]


def psql(choice: Choice, command: str) -> int:
    """Open psql on the stack's Postgres, or run one command."""
    kept = stacks.found(stacks.meant(choice))
    planned = _of_image(plan_of(kept), "postgres")
    user = planned.service.environment.get("POSTGRES_USER", "postgres")
    database = planned.service.environment.get("POSTGRES_DB", user)
    extra = ["--command", command] if command else []
    if kept.engine != "local":
        return commands.attach(
            _container_words(kept, planned.name, ["psql", "-U", user, "-d", database, *extra], fresh=False)
        )
    program = shutil.which("psql") or images.client(planned.service.image or "", "psql")
    if program is None:
        raise ServerMissing("There is no psql here.", hint="Install a Postgres client.")
    environment = local_environment(planned, kept) | {
        "PGPASSWORD": planned.service.environment["POSTGRES_PASSWORD"]
    }
    port = str(next(iter(planned.ports.values())))
    return commands.attach(
        [str(program), "-h", LOOPBACK, "-p", port, "-U", user, "-d", database, *extra], env=environment
    )


def redis_cli(choice: Choice, command: str) -> int:
    """Open redis-cli on the stack's Redis, or run one command."""
    kept = stacks.found(stacks.meant(choice))
    planned = _of_image(plan_of(kept), "redis")
    if kept.engine != "local":
        return commands.attach(
            _container_words(kept, planned.name, ["redis-cli", *shlex.split(command)], fresh=False)
        )
    port = next(iter(planned.ports.values()))
    program = shutil.which("redis-cli") or shutil.which("valkey-cli")
    if program is not None:
        return commands.attach([program, "-h", LOOPBACK, "-p", str(port), *shlex.split(command)])
    if not command:
        raise ServerMissing(
            "There is no redis-cli here.", hint='Install one, or give one command: -c "GET key".'
        )
    report.say(_inline(port, command))
    return 0


def _inline(port: int, command: str) -> str:
    """One inline command (https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands)."""
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(command.encode() + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode(errors="replace").rstrip()


def _of_image(made: Plan, word: str) -> ServicePlan:
    for planned in made.services.values():
        if planned.service.image and word in planned.service.image.rsplit("/", 1)[-1].split(":")[0]:
            return planned
    raise UnknownService(f"{made.name} has no {word}.", hint=f"Services: {', '.join(made.services)}.")
