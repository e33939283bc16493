"""Look at how a stack behaves over time."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.task import choice, command, explain


@task(help=explain("stack", "engine", open="open it in a browser, too"))
@command
def dashboard(c: Context, stack: str = "local", engine: str = "auto", open: bool = False) -> None:
    """Print the address of the stack's dashboard; start the stack with it where it is not up."""
    from stack.commands import dashboard

    dashboard.run(choice(stack, "", engine), open_page=open, timeout_s=120.0)
