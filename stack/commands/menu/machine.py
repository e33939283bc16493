"""Check and clean this machine, whatever the stack."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.task import command, explain


@task(name="stacks", help=explain("json"))
@command
def stacks_(c: Context, json: bool = False) -> None:
    """List every running stack of this machine."""
    from stack.commands import stacks

    stacks.run(as_json=json)


@task(help=explain("json"))
@command
def doctor(c: Context, json: bool = False) -> int:
    """Check this machine: Python, engines, ports, disk, leftovers; exit with 1 on an error."""
    from stack.commands import doctor

    return doctor.run(as_json=json)


@task(help=explain("yes", all="end every running stack of this machine and delete its data, too"))
@command
def prune(c: Context, all: bool = False, yes: bool = False) -> None:
    """Remove what ended stacks left on disk, and unused caches."""
    from stack.commands import prune

    prune.run(everything=all, yes=yes)
