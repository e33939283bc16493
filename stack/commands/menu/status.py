"""Show what a stack is, does and prints."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.task import ListsTask, choice, command, explain


@task(help=explain("service", "stack", "compose", "json", format="table or json (the same as --json)"))
@command
def ps(
    c: Context,
    service: str | None = None,
    stack: str = "local",
    json: bool = False,
    format: str = "",
    compose: str = "",
) -> None:
    """List the services with their state and ports."""
    from stack.commands import ps

    ps.run(choice(stack, compose), service or "", as_json=json, format=format)


@task(
    help=explain(
        "service", "stack", "compose",
        follow="keep printing new lines until Ctrl-C",
        since="only lines from then on: 30s, 10m, 2h, 1d ago; 12:30:59 or 2026-01-31T12:30:59, UTC",
        until="only lines up to then",
        tail="only the last N lines",
        grep="only lines with this regular expression; without a capital letter it ignores case",
        level="only lines of this level or above: debug, info, warning, error, critical",
        request_id="only lines of the request with this id",
        trace="only lines of the trace with this id",
        run="a past run: its name in `inv runs`, a part of it, or `last`",
        json="print one JSON object for each line",
    )
)  # fmt: skip
@command
def logs(
    c: Context, service: str | None = None, stack: str = "local", follow: bool = False, since: str = "",
    until: str = "", tail: str = "", grep: str = "", level: str = "", request_id: str = "", trace: str = "",
    run: str = "", json: bool = False, compose: str = "",
) -> None:  # fmt: skip
    """Show the services' logs, merged by time."""
    from stack.commands import logs, options
    from stack.display import log_filter

    wanted = log_filter.make(grep=grep, least=level, request_id=request_id, trace_id=trace)
    chosen = logs.Selection(
        filter=wanted, since=since, until=until, tail=options.count("--tail", tail)
    )  # fmt: skip
    logs.run(choice(stack, compose), service or "", chosen, past_run=run, follow=follow, as_json=json)


@task(help=explain("stack", "compose", "json"))
@command
def stats(c: Context, stack: str = "local", json: bool = False, compose: str = "") -> None:
    """Show each service's processor and memory use."""
    from stack.commands import stats

    stats.run(choice(stack, compose), as_json=json)


@task(help=explain("stack", "compose", "json"))
@command
def health(c: Context, stack: str = "local", json: bool = False, compose: str = "") -> int:
    """Run every service's health check now; exit with 1 if one fails."""
    from stack.commands import health

    return health.run(choice(stack, compose), as_json=json)


@task(
    klass=ListsTask, iterable=["file", "profile"],
    help=explain(
        "stack", "compose", "engine", "file", "profile",
        dry_run="show the plan instead, as JSON: order, ports, commands, environment",
        json="print JSON instead of text",
    ),
)  # fmt: skip
@command
def config(
    c: Context, stack: str = "local", engine: str = "auto", dry_run: bool = False, json: bool = False,
    file: list[str] | None = None, profile: list[str] | None = None,
    compose: str = "",
) -> None:  # fmt: skip
    """Show the merged compose files or, with --dry-run, the plan; start nothing."""
    from stack.commands import config

    config.run(choice(stack, compose, engine, file, profile), dry_run=dry_run, as_json=json)
