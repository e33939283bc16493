"""What people type: `inv up`, `inv logs`, `inv reset-db`, `inv down`; `inv --list` is the menu.

Each task translates its words into one call of stack/commands/, and nothing else.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

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
    stack: str, engine: str = "auto", file: list[str] | None = None, profile: list[str] | None = None
) -> Any:
    from stack.control.choice import Choice

    return Choice(kind=stack, engine=engine, extra_files=tuple(file or ()), profiles=tuple(profile or ()))


HELP = {
    "stack": "the stack: local (Postgres), ci (SQLite), or the name of a running stack",
    "engine": "where it runs: docker, podman, local (no container engine) or auto",
    "service": "a service's name in the compose file; default: all services",
    "file": "an additional compose file that overrides the stack's own (may be repeated)",
    "profile": "a compose profile to enable (may be repeated)",
    "json": "print JSON instead of a table",
}


def explain(*names: str, **more: str) -> dict[str, str]:
    return {name: HELP[name] for name in names} | more


@task(
    iterable=["file", "profile"],
    help=explain(
        "stack", "engine", "file", "profile",
        service="a service to start with what it depends on; default: all services",
        watch="keep running and reload a service when one of its files is saved",
        timeout="seconds to wait until every service is ready",
    ),
)  # fmt: skip
@command
def up(
    c: Context, service: str = "", stack: str = "local", engine: str = "auto", watch: bool = False,
    timeout: float = 120.0, file: list[str] | None = None, profile: list[str] | None = None,
) -> None:  # fmt: skip
    """Start the stack and wait until every service is ready."""
    from stack.commands import up

    up.run(choice(stack, engine, file, profile), service, timeout_s=timeout, watch=watch)


@task(help=explain("stack", volumes="delete the stack's data, too"))
@command
def down(c: Context, stack: str = "local", volumes: bool = False) -> None:
    """Stop and remove the stack; its data is kept unless --volumes is given."""
    from stack.commands import down

    down.run(choice(stack), volumes=volumes)


@task(help=explain("stack", service="the service to stop"))
@command
def stop(c: Context, service: str, stack: str = "local") -> None:
    """Stop one service; the others keep running."""
    from stack.commands import start_stop

    start_stop.run(choice(stack), "stop", service)


@task(help=explain("stack", service="the service to start"))
@command
def start(c: Context, service: str, stack: str = "local") -> None:
    """Start a stopped service and wait until it is ready."""
    from stack.commands import start_stop

    start_stop.run(choice(stack), "start", service)


@task(help=explain("service", "stack"))
@command
def restart(c: Context, service: str = "", stack: str = "local") -> None:
    """Restart one service or all of them and wait until they are ready."""
    from stack.commands import start_stop

    start_stop.run(choice(stack), "restart", service)


@task(help=explain("stack", "engine", no_cache="rebuild everything from scratch"))
@command
def build(c: Context, stack: str = "local", engine: str = "auto", no_cache: bool = False) -> None:
    """Build the stack's images or, on the local engine, its Python environments."""
    from stack.commands import build

    build.run(choice(stack, engine), no_cache=no_cache)


@task(help=explain("stack", "json", format="table or json; the same as --json"))
@command
def ps(c: Context, stack: str = "local", json: bool = False, format: str = "") -> None:
    """List the services with their state and ports."""
    from stack.commands import ps

    ps.run(choice(stack), as_json=json, format=format)


@task(name="stacks", help=explain("json"))
@command
def stacks_(c: Context, json: bool = False) -> None:
    """List every running stack of this machine."""
    from stack.commands import stacks

    stacks.run(as_json=json)


@task(
    help=explain(
        "service", "stack",
        follow="keep printing new lines until Ctrl-C",
        since="only lines of the last 30s, 10m, 2h or 1d",
        tail="only the last N lines",
        json="print one JSON object for each line",
    )
)  # fmt: skip
@command
def logs(
    c: Context, service: str = "", stack: str = "local", follow: bool = False, since: str = "", tail: int = 0,
    json: bool = False,
) -> None:  # fmt: skip
    """Show the services' logs, merged by time."""
    from stack.commands import logs

    logs.run(choice(stack), service, follow=follow, since=since, tail=tail, as_json=json)


@task(help=explain("stack", "json"))
@command
def health(c: Context, stack: str = "local", json: bool = False) -> int:
    """Run every service's health check now; exit with 1 if one fails."""
    from stack.commands import health

    return health.run(choice(stack), as_json=json)


@task(name="exec", help=explain("stack", service="the service", command="the command, as one string"))
@command
def exec_(c: Context, service: str, command: str, stack: str = "local") -> int:
    """Run a command in a running service."""
    from stack.commands import exec

    return exec.run(choice(stack), service, command)


@task(help=explain("stack", service="the service", command="the command, as one string"))
@command
def run(c: Context, service: str, command: str, stack: str = "local") -> int:
    """Run a command in a new copy of a service."""
    from stack.commands import exec

    return exec.run(choice(stack), service, command, fresh=True)


@task(help=explain("stack"))
@command
def shell(c: Context, stack: str = "local") -> int:
    """Open Django's interactive shell in the backend."""
    from stack.commands import exec

    return exec.run(choice(stack), "backend", "python manage.py shell")


@task(help=explain("stack", command="a management command with its arguments, as one string"))
@command
def manage(c: Context, command: str, stack: str = "local") -> int:
    """Run a Django management command in the backend."""
    from stack.commands import exec

    return exec.run(choice(stack), "backend", f"python manage.py {command}")


@task(help=explain("stack", command="one SQL statement; default: an interactive session"))
@command
def psql(c: Context, command: str = "", stack: str = "local") -> int:
    """Open psql on the stack's Postgres."""
    from stack.commands import psql

    return psql.run(choice(stack), command)


@task(name="redis-cli", help=explain("stack", command="one Redis command; default: an interactive session"))
@command
def redis_cli(c: Context, command: str = "", stack: str = "local") -> int:
    """Open redis-cli on the stack's Redis."""
    from stack.commands import redis_cli

    return redis_cli.run(choice(stack), command)


@task(
    name="reset-db",
    help=explain("stack", empty="migrated only, nothing seeded", products="how many products",
                   orders="how many past orders", seed="another catalogue of the same size")
)  # fmt: skip
@command
def reset_db(
    c: Context,
    stack: str = "local",
    empty: bool = False,
    products: str = "",
    orders: str = "0",
    seed: str = "0",
) -> None:
    """Give the stack fresh data, migrated and seeded, while its services run."""
    from stack.commands import reset_db

    reset_db.run(choice(stack), empty=empty, products=products, orders=orders, seed=seed)


@task(
    positional=["verb", "name"],
    help=explain("stack", verb="save, restore, delete or diff", name="what it is called",
                   branch="NAME is a git branch: the snapshot of its data, replaced by each save",
                   overwrite="replace a snapshot of that name")
)  # fmt: skip
@command
def snapshot(
    c: Context, verb: str, name: str, stack: str = "local", branch: bool = False, overwrite: bool = False
) -> None:
    """Save, restore, delete or compare a named copy of the stack's Postgres and Redis data."""
    from stack.commands import snapshot

    snapshot.run(choice(stack), verb, name, branch=branch, overwrite=overwrite)


@task(name="snapshots", help=explain("stack", json="as JSON"))
@command
def snapshots(c: Context, stack: str = "local", json: bool = False) -> None:
    """List the stack's snapshots."""
    from stack.commands import snapshot

    snapshot.list_all(choice(stack), as_json=json)


@task(
    iterable=["encrypt"],
    help=explain("stack", path="the new folder; .stack/backups/ where none is named",
                   verify="check the backup in this folder instead, by restoring it aside",
                   encrypt="an age or GnuPG recipient (may be repeated)",
                   identity="age's file of the private key, to verify an encrypted backup",
                   jobs="how many processes restore side by side")
)  # fmt: skip
@command
def backup(
    c: Context, path: str = "", stack: str = "local", verify: str = "", encrypt: list[str] | None = None,
    identity: str = "", jobs: int = 1,
) -> None:  # fmt: skip
    """Back up the stack's Postgres and Redis data to a folder, or verify one."""
    from stack.commands import backup

    if verify:
        backup.verify(choice(stack), path=verify, identity=identity, jobs=jobs)
    else:
        backup.run(choice(stack), path=path, recipients=list(encrypt or []))


@task(
    positional=["path"],
    help=explain("stack", path="the folder of a backup", keep_old="keep the replaced data for good",
                   migrate="migrate a backup that is older than the code",
                   identity="age's file of the private key, for an encrypted backup",
                   jobs="how many processes restore side by side")
)  # fmt: skip
@command
def restore(
    c: Context, path: str, stack: str = "local", keep_old: bool = False, migrate: bool = False,
    identity: str = "", jobs: int = 1,
) -> None:  # fmt: skip
    """Verify a backup and put it in the place of the stack's data; nothing is restarted."""
    from stack.commands import restore

    restore.run(choice(stack), path=path, keep_old=keep_old, migrate=migrate, identity=identity, jobs=jobs)


@task(name="undo-restore", help=explain("stack"))
@command
def undo_restore(c: Context, stack: str = "local") -> None:
    """Bring back the data that the last restore replaced."""
    from stack.commands import restore

    restore.undo(choice(stack))


@task(help={"all": "end every running stack of this machine and delete its data, too"})
@command
def prune(c: Context, all: bool = False) -> None:
    """Remove what ended stacks left on disk, and unused caches."""
    from stack.commands import prune

    prune.run(everything=all)


@task(help=explain("stack", "json"))
@command
def stats(c: Context, stack: str = "local", json: bool = False) -> None:
    """Show each service's processor and memory use."""
    from stack.commands import stats

    stats.run(choice(stack), as_json=json)


@task(help=explain("json"))
@command
def doctor(c: Context, json: bool = False) -> int:
    """Check this machine: Python, engines, ports, disk, leftovers; exit with 1 on an error."""
    from stack.commands import doctor

    return doctor.run(as_json=json)


@task(
    iterable=["file", "profile"],
    help=explain(
        "stack", "engine", "file", "profile",
        dry_run="show the plan instead, as JSON: order, ports, commands, environment",
        json="print JSON instead of text",
    ),
)  # fmt: skip
@command
def config(
    c: Context, stack: str = "local", engine: str = "auto", dry_run: bool = False, json: bool = False,
    file: list[str] | None = None, profile: list[str] | None = None,
) -> None:  # fmt: skip
    """Show the merged compose files or, with --dry-run, the plan; start nothing."""
    from stack.commands import config

    config.run(choice(stack, engine, file, profile), dry_run=dry_run, as_json=json)


namespace = Collection(
    up, down, stop, start, restart, build, ps, stacks_, logs, health, exec_, run, shell, manage, psql,
    redis_cli, reset_db, snapshot, snapshots, backup, restore,
    undo_restore, prune, stats, doctor, config,
)  # fmt: skip
