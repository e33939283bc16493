"""Run commands inside a stack's services."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.task import choice, command, explain


@task(
    name="exec", help=explain("stack", "compose", service="the service", command="the command, as one string")
)
@command
def exec_(c: Context, service: str, command: str, stack: str = "local", compose: str = "") -> int:
    """Run a command in a running service."""
    from stack.commands import exec

    return exec.run(choice(stack, compose), service, command)


@task(help=explain("stack", "compose", service="the service", command="the command, as one string"))
@command
def run(c: Context, service: str, command: str, stack: str = "local", compose: str = "") -> int:
    """Run a command in a new copy of a service."""
    from stack.commands import exec

    return exec.run(choice(stack, compose), service, command, fresh=True)


@task(help=explain("stack", "compose"))
@command
def shell(c: Context, stack: str = "local", compose: str = "") -> int:
    """Open Django's interactive shell in the backend."""
    from stack.commands import exec

    return exec.run(choice(stack, compose), "backend", "python manage.py shell")


@task(help=explain("stack", "compose", command="a management command with its arguments, as one string"))
@command
def manage(c: Context, command: str, stack: str = "local", compose: str = "") -> int:
    """Run a Django management command in the backend."""
    from stack.commands import exec

    return exec.run(choice(stack, compose), "backend", f"python manage.py {command}")


@task(
    help=explain(
        "stack",
        "compose",
        command="one SQL statement, also as a plain word; default: an interactive session",
        service="which Postgres, where the stack has several",
    )
)
@command
def psql(
    c: Context, command: str | None = None, stack: str = "local", service: str = "", compose: str = ""
) -> int:
    """Open psql on the stack's Postgres."""
    from stack.commands import psql

    return psql.run(choice(stack, compose), command or "", service=service)


@task(
    name="redis-cli",
    help=explain(
        "stack",
        "compose",
        command="one Redis command, also as a plain word; default: an interactive session",
        service="which Redis, where the stack has several",
    ),
)
@command
def redis_cli(
    c: Context, command: str | None = None, stack: str = "local", service: str = "", compose: str = ""
) -> int:
    """Open redis-cli on the stack's Redis."""
    from stack.commands import redis_cli

    return redis_cli.run(choice(stack, compose), command or "", service=service)
