"""Start, stop and build stacks and their services."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.task import ListsTask, choice, command, explain


@task(
    klass=ListsTask, iterable=["file", "profile"],
    help=explain(
        "stack", "compose", "engine", "file", "profile",
        service="a service to start with its dependencies, also as a plain word; default: all",
        watch="keep running and reload a service when one of its files is saved",
        timeout="seconds to wait until every service is ready",
    ),
)  # fmt: skip
@command
def up(
    c: Context, service: str | None = None, stack: str = "local", engine: str = "auto", watch: bool = False,
    timeout: str = "120", file: list[str] | None = None, profile: list[str] | None = None,
    compose: str = "",
) -> None:  # fmt: skip
    """Start the stack and wait until every service is ready."""
    from stack.commands import options, up

    up.run(
        choice(stack, compose, engine, file, profile),
        service or "",
        timeout_s=options.seconds("--timeout", timeout),
        watch=watch,
    )


@task(help=explain("stack", "compose", "yes", volumes="delete the stack's data, too"))
@command
def down(
    c: Context, stack: str = "local", volumes: bool = False, yes: bool = False, compose: str = ""
) -> None:
    """Stop and remove the stack; its data is kept unless --volumes is given."""
    from stack.commands import down

    down.run(choice(stack, compose), volumes=volumes, yes=yes)


@task(help=explain("stack", "compose", service="the service to stop"))
@command
def stop(c: Context, service: str, stack: str = "local", compose: str = "") -> None:
    """Stop one service; the others keep running."""
    from stack.commands import start_stop

    start_stop.run(choice(stack, compose), "stop", service)


@task(help=explain("stack", "compose", service="the service to start"))
@command
def start(c: Context, service: str, stack: str = "local", compose: str = "") -> None:
    """Start a stopped service and wait until it is ready."""
    from stack.commands import start_stop

    start_stop.run(choice(stack, compose), "start", service)


@task(help=explain("service", "stack", "compose"))
@command
def restart(c: Context, service: str | None = None, stack: str = "local", compose: str = "") -> None:
    """Restart one service or all of them and wait until they are ready."""
    from stack.commands import start_stop

    start_stop.run(choice(stack, compose), "restart", service or "")


@task(help=explain("stack", "compose", "engine", no_cache="rebuild everything from scratch"))
@command
def build(
    c: Context, stack: str = "local", engine: str = "auto", no_cache: bool = False, compose: str = ""
) -> None:
    """Build the stack's images or, on the local engine, its Python environments."""
    from stack.commands import build

    build.run(choice(stack, compose, engine), no_cache=no_cache)
