"""What people type: `inv up`, `inv logs`, `inv reset-db`, `inv down`; `inv --list` is the menu.

Each task translates its words into one call of stack/commands/, and nothing else.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, ParamSpec

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from stack.commands import bare_words

P = ParamSpec("P")


def command(work: Callable[P, int | None]) -> Callable[P, None]:
    """Clean up after killed stacks, do the work, and exit with its exit code; errors become sentences."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from stack.commands import exit_code, prune

        def clean_up_and_work() -> int | None:
            prune.clean_up_killed_stacks()
            return work(*args, **kwargs)

        if code := exit_code.run(clean_up_and_work):
            raise Exit(code=code)

    return run


def choice(
    stack: str, compose: str, engine: str = "auto",
    file: list[str] | None = None, profile: list[str] | None = None,
) -> Any:  # fmt: skip
    from pathlib import Path

    from stack.control.choice import Choice

    return Choice(
        kind=stack, engine=engine, compose_file=Path(compose) if compose else None,
        extra_files=tuple(file or ()), profiles=tuple(profile or ()),
    )  # fmt: skip


HELP = {
    "stack": "the stack: local (Postgres), ci (SQLite), or the name of a running stack",
    "compose": "the compose file of any other project, instead of --stack",
    "engine": "where it runs: docker, podman, local (no container engine) or auto",
    "service": "a service of the stack, also without --service; default: all services",
    "file": "an additional compose file that overrides the stack's own (may be repeated)",
    "profile": "a compose profile to enable (may be repeated)",
    "json": "print JSON instead of a table",
}


def explain(*names: str, **more: str) -> dict[str, str]:
    return {name: HELP[name] for name in names} | more


@task(
    iterable=["file", "profile"],
    help=explain(
        "stack", "compose", "engine", "file", "profile",
        service="a service to start with its dependencies, also without --service; default: all",
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


@task(help=explain("stack", "compose", volumes="delete the stack's data, too"))
@command
def down(c: Context, stack: str = "local", volumes: bool = False, compose: str = "") -> None:
    """Stop and remove the stack; its data is kept unless --volumes is given."""
    from stack.commands import down

    down.run(choice(stack, compose), volumes=volumes)


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


@task(name="stacks", help=explain("json"))
@command
def stacks_(c: Context, json: bool = False) -> None:
    """List every running stack of this machine."""
    from stack.commands import stacks

    stacks.run(as_json=json)


@task(
    help=explain(
        "service", "stack", "compose",
        follow="keep printing new lines until Ctrl-C",
        since="only lines of the last 30s, 10m, 2h or 1d",
        tail="only the last N lines",
        json="print one JSON object for each line",
    )
)  # fmt: skip
@command
def logs(
    c: Context, service: str | None = None, stack: str = "local", follow: bool = False, since: str = "",
    tail: str = "", json: bool = False,
    compose: str = "",
) -> None:  # fmt: skip
    """Show the services' logs, merged by time."""
    from stack.commands import logs, options

    logs.run(
        choice(stack, compose), service or "", follow=follow, since_s=options.duration_s("--since", since),
        tail=options.count("--tail", tail), as_json=json,
    )  # fmt: skip


@task(help=explain("stack", "compose", "json"))
@command
def health(c: Context, stack: str = "local", json: bool = False, compose: str = "") -> int:
    """Run every service's health check now; exit with 1 if one fails."""
    from stack.commands import health

    return health.run(choice(stack, compose), as_json=json)


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
        command="one SQL statement, also without --command; default: an interactive session",
    )
)
@command
def psql(c: Context, command: str | None = None, stack: str = "local", compose: str = "") -> int:
    """Open psql on the stack's Postgres."""
    from stack.commands import psql

    return psql.run(choice(stack, compose), command or "")


@task(
    name="redis-cli",
    help=explain(
        "stack",
        "compose",
        command="one Redis command, also without --command; default: an interactive session",
    ),
)
@command
def redis_cli(c: Context, command: str | None = None, stack: str = "local", compose: str = "") -> int:
    """Open redis-cli on the stack's Redis."""
    from stack.commands import redis_cli

    return redis_cli.run(choice(stack, compose), command or "")


@task(
    name="reset-db",
    help=explain("stack", empty="migrated only, nothing seeded", products="how many products",
                   orders="how many past orders", seed="another catalogue of the same size")
)  # fmt: skip
@command
def reset_db(
    c: Context, stack: str = "local", empty: bool = False, products: str = "", orders: str = "0",
    seed: str = "0",
) -> None:  # fmt: skip
    """Give the stack fresh data, migrated and seeded, while its services run."""
    from stack.commands import reset_db

    reset_db.run(choice(stack, ""), empty=empty, products=products, orders=orders, seed=seed)


@task(
    help=explain("stack", products="how many products there shall be", orders="how many past orders",
                 seed="another catalogue of the same size")
)  # fmt: skip
@command
def seed(
    c: Context, stack: str = "local", products: str = "1000", orders: str = "0", seed: str = "0"
) -> None:
    """Fill the stack's shop up to so many products and past orders; what is there stays."""
    from stack.commands import seed as seeding

    seeding.run(choice(stack, ""), products=products, orders=orders, seed=seed)


@task(
    help=explain("stack", "json", verb="save, restore, list, delete or diff, also without --verb",
                 name="what it is called, also without --name",
                 branch="NAME is a git branch (default: the current one), replaced by each save",
                 overwrite="replace a snapshot of that name")
)  # fmt: skip
@command
def snapshot(
    c: Context, verb: str | None = None, name: str | None = None, stack: str = "local", branch: bool = False,
    overwrite: bool = False, json: bool = False,
) -> None:  # fmt: skip
    """Save, restore, list, delete or compare named copies of the stack's Postgres and Redis data."""
    from stack.commands import snapshot

    snapshot.run(choice(stack, ""), verb or "", name or "", branch=branch, overwrite=overwrite, as_json=json)


@task(
    iterable=["encrypt"],
    help=explain("stack", path="the new folder, also without --path; default: in .stack/backups/",
                 verify="check the backup in this folder instead, by restoring it aside",
                 encrypt="an age or GnuPG recipient (may be repeated)",
                 identity="age's file of the private key, to verify an encrypted backup",
                 jobs="how many processes restore side by side")
)  # fmt: skip
@command
def backup(
    c: Context, path: str | None = None, stack: str = "local", verify: str = "",
    encrypt: list[str] | None = None, identity: str = "", jobs: str = "1",
) -> None:  # fmt: skip
    """Back up the stack's Postgres and Redis data to a folder, or verify a backup."""
    from stack.commands import backup

    if verify:
        backup.verify(choice(stack, ""), path=verify, identity=identity, jobs=jobs)
    else:
        backup.run(choice(stack, ""), path=path or "", recipients=list(encrypt or []))


@task(
    help=explain("stack", path="the folder of a backup, also without --path",
                 undo="bring back the data that the last restore replaced",
                 keep_old="keep the replaced data also after later restores",
                 migrate="migrate a backup that is older than the code",
                 identity="age's file of the private key, for an encrypted backup",
                 jobs="how many processes restore side by side")
)  # fmt: skip
@command
def restore(
    c: Context, path: str | None = None, stack: str = "local", undo: bool = False, keep_old: bool = False,
    migrate: bool = False, identity: str = "", jobs: str = "1",
) -> None:  # fmt: skip
    """Verify a backup and put it in the place of the stack's data; nothing is restarted."""
    from stack.commands import restore

    if undo:
        restore.undo(choice(stack, ""))
    else:
        restore.run(
            choice(stack, ""),
            path=path or "",
            keep_old=keep_old,
            migrate=migrate,
            identity=identity,
            jobs=jobs,
        )


@task(help=explain("stack", "engine", open="open it in a browser, too"))
@command
def dashboard(c: Context, stack: str = "local", engine: str = "auto", open: bool = False) -> None:
    """Print the address of the stack's dashboard; start the stack with it where it is not up."""
    from stack.commands import dashboard

    dashboard.run(choice(stack, "", engine), open_page=open, timeout_s=120.0)


@task(help={"all": "end every running stack of this machine and delete its data, too"})
@command
def prune(c: Context, all: bool = False) -> None:
    """Remove what ended stacks left on disk, and unused caches."""
    from stack.commands import prune

    prune.run(everything=all)


@task(help=explain("stack", "compose", "json"))
@command
def stats(c: Context, stack: str = "local", json: bool = False, compose: str = "") -> None:
    """Show each service's processor and memory use."""
    from stack.commands import stats

    stats.run(choice(stack, compose), as_json=json)


@task(help=explain("json"))
@command
def doctor(c: Context, json: bool = False) -> int:
    """Check this machine: Python, engines, ports, disk, leftovers; exit with 1 on an error."""
    from stack.commands import doctor

    return doctor.run(as_json=json)


@task(
    iterable=["file", "profile"],
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


namespace = Collection(
    up, down, stop, start, restart, build, ps, stacks_, logs, health, exec_, run, shell, manage, psql,
    redis_cli, reset_db, seed, snapshot, backup, restore, dashboard, prune, stats, doctor, config,
)  # fmt: skip
bare_words.require_verb(namespace, sys.argv[1:])
bare_words.allow(namespace, sys.argv[1:], options=("service", "command", "verb", "name", "path"))
