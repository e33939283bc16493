"""Look at how a stack behaves over time, and at what runs have left."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.task import choice, command, explain


@task(help=explain("stack", "engine", open="open it in a browser, too"))
@command
def dashboard(c: Context, stack: str = "local", engine: str = "auto", open: bool = False) -> None:
    """Print the address of the stack's dashboard; start the stack if it is not up."""
    from stack.commands import dashboard

    dashboard.run(choice(stack, "", engine), open_page=open, timeout_s=120.0)


@task(
    help=explain(
        "json",
        action="`diff`, to compare two runs, also as a plain word; default: list them",
        before="the earlier run: its name, a part of it, or `last`; also as a plain word",
        after="the later run, also as a plain word",
    )
)
@command
def runs(
    c: Context, action: str | None = None, before: str | None = None, after: str | None = None,
    json: bool = False,
) -> None:  # fmt: skip
    """List the recorded runs, or say what became slower or started to fail between two of them."""
    from stack.commands import runs

    runs.run(choice("local", ""), action or "", before or "", after or "", as_json=json)


@task(
    help=explain(
        "stack", "compose",
        run="the run: its name in `inv runs`, a part of it, or `last`; also as a plain word",
        open="open it in a browser, too",
    )
)  # fmt: skip
@command
def report(
    c: Context, run: str | None = None, stack: str = "local", open: bool = False, compose: str = ""
) -> None:
    """Write the report of a run, the stack's latest by default, and print where it is."""
    from stack.commands import report

    report.run(choice(stack, compose), run or "", open_page=open)
