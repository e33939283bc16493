"""What people type: `inv up`, `inv logs`, `inv reset-db`, `inv down`; `inv --list` is the menu.

Words become calls of the engine in stack/; nothing else happens here.
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

from stack.control import session, sweep
from stack.control.choice import Choice
from stack.display import failure, messages
from stack.errors import StackError
from stack.system import ctrl_c

P = ParamSpec("P")
INTERRUPTED = 130


def speaking(work: Callable[P, int | None]) -> Callable[P, None]:
    """Sweep what killed stacks left, do the work, say its errors in one sentence with their exit code."""

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        ctrl_c.raise_lost_interrupts()
        try:
            for sentence in sweep.sweep():
                messages.say(sentence)
            code = work(*args, **kwargs)
        except StackError as problem:
            if isinstance(problem, session.StartFailed):
                messages.say(failure.failure(problem.events, problem.run))
            messages.print_error(problem)
            raise Exit(code=problem.code) from None
        except KeyboardInterrupt:
            ctrl_c.ignore(last=True)
            messages.say("interrupted")
            raise Exit(code=INTERRUPTED) from None
        except BrokenPipeError:
            sys.stderr.close()
            raise Exit(code=0) from None
        if code:
            raise Exit(code=code)

    return run


def choice(
    stack: str, engine: str = "auto", file: list[str] | None = None, profile: list[str] | None = None
) -> Any:
    return Choice(kind=stack, engine=engine, extra_files=tuple(file or ()), profiles=tuple(profile or ()))


HELP = {
    "stack": "which stack: local (Postgres) or ci (SQLite), or the name of any stack that is up",
    "engine": "what runs it: docker, podman, local (no container engine), or auto",
    "service": "a service of the stack, as in the compose file; all of them where none is named",
    "file": "a further compose file, laid over the stack's own (may be repeated)",
    "profile": "a compose profile to activate (may be repeated)",
}


def explained(*names: str, **own: str) -> dict[str, str]:
    return {name: HELP[name] for name in names} | own


@task(
    iterable=["file", "profile"],
    help=explained(
        "stack", "engine", "file", "profile", "service",
        watch="stay, and reload a service when a file of it is saved",
        timeout="seconds to wait until everything is ready",
    ),
)  # fmt: skip
@speaking
def up(
    c: Context, service: str = "", stack: str = "local", engine: str = "auto", watch: bool = False,
    timeout: float = 120.0, file: list[str] | None = None, profile: list[str] | None = None,
) -> None:  # fmt: skip
    """Bring the stack up and wait until every service is ready."""
    from stack.commands import up

    up.run(choice(stack, engine, file, profile), service, timeout_s=timeout, watch=watch)


@task(help=explained("stack", volumes="remove the stack's data too"))
@speaking
def down(c: Context, stack: str = "local", volumes: bool = False) -> None:
    """End the stack; its data stays unless --volumes."""
    from stack.commands import down

    down.run(choice(stack), volumes=volumes)


@task(help=explained("service", "stack"))
@speaking
def stop(c: Context, service: str, stack: str = "local") -> None:
    """Stop a service and leave the others running."""
    from stack.commands import start_stop

    start_stop.change(choice(stack), "stop", service)


@task(help=explained("service", "stack"))
@speaking
def start(c: Context, service: str, stack: str = "local") -> None:
    """Start a stopped service and wait until it is ready."""
    from stack.commands import start_stop

    start_stop.change(choice(stack), "start", service)


@task(help=explained("service", "stack"))
@speaking
def restart(c: Context, service: str = "", stack: str = "local") -> None:
    """Stop and start a service, or all of them, and wait until ready."""
    from stack.commands import start_stop

    start_stop.change(choice(stack), "restart", service)


@task(help=explained("stack", "engine", no_cache="make everything anew"))
@speaking
def build(c: Context, stack: str = "local", engine: str = "auto", no_cache: bool = False) -> None:
    """Make the images, or on the local engine the environments, that the stack needs."""
    from stack.commands import build

    build.run(choice(stack, engine), no_cache=no_cache)


@task(help=explained("stack", format="table or json"))
@speaking
def ps(c: Context, stack: str = "local", format: str = "table") -> None:
    """List the services with state and ports."""
    from stack.commands import ps

    ps.run(choice(stack), as_json=format == "json")


@task(name="stacks", help={"json": "as JSON"})
@speaking
def stacks_(c: Context, json: bool = False) -> None:
    """List every stack on this machine."""
    from stack.commands import stacks

    stacks.run(as_json=json)


@task(
    help=explained("service", "stack", follow="go on as lines come",
                   since="only lines younger than this: 30s, 10m, 2h",
                   tail="only the last lines")
)  # fmt: skip
@speaking
def logs(
    c: Context, service: str = "", stack: str = "local", follow: bool = False, since: str = "", tail: int = 0
) -> None:
    """Show what the services wrote, merged by time."""
    from stack.commands import logs

    logs.run(choice(stack), service, follow=follow, since=since, tail=tail)


@task(help=explained("stack"))
@speaking
def health(c: Context, stack: str = "local") -> int:
    """Ask every service now; exit 1 if one is not well."""
    from stack.commands import health

    return health.run(choice(stack))


@task(name="exec", help=explained("service", "stack", command="what to run, as one string"))
@speaking
def exec_(c: Context, service: str, command: str, stack: str = "local") -> int:
    """Run a command where a service runs."""
    from stack.commands import exec

    return exec.run(choice(stack), service, command)


@task(help=explained("service", "stack", command="what to run, as one string"))
@speaking
def run(c: Context, service: str, command: str, stack: str = "local") -> int:
    """Run a command in a fresh copy of a service's place."""
    from stack.commands import exec

    return exec.run(choice(stack), service, command, fresh=True)


@task(help=explained("stack"))
@speaking
def shell(c: Context, stack: str = "local") -> int:
    """Open Django's shell in the backend."""
    from stack.commands import exec

    return exec.run(choice(stack), "backend", "python manage.py shell")


@task(help=explained("stack", command="a management command with its arguments, as one string"))
@speaking
def manage(c: Context, command: str, stack: str = "local") -> int:
    """Run a management command in the backend."""
    from stack.commands import exec

    return exec.run(choice(stack), "backend", f"python manage.py {command}")


@task(help=explained("stack", command="one SQL command; an interactive session where none is given"))
@speaking
def psql(c: Context, command: str = "", stack: str = "local") -> int:
    """Speak SQL with the stack's Postgres."""
    from stack.commands import psql

    return psql.run(choice(stack), command)


@task(name="redis-cli", help=explained("stack", command="one Redis command; a session where none is given"))
@speaking
def redis_cli(c: Context, command: str = "", stack: str = "local") -> int:
    """Speak with the stack's Redis."""
    from stack.commands import redis_cli

    return redis_cli.run(choice(stack), command)


@task(
    name="reset-db",
    help=explained("stack", empty="migrated only, nothing seeded", products="how many products",
                   orders="how many past orders", seed="another catalogue of the same size")
)  # fmt: skip
@speaking
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
    help=explained("stack", verb="save, restore, delete or diff", name="what it is called",
                   branch="NAME is a git branch: the snapshot of its data, replaced by each save",
                   overwrite="replace a snapshot of that name")
)  # fmt: skip
@speaking
def snapshot(
    c: Context, verb: str, name: str, stack: str = "local", branch: bool = False, overwrite: bool = False
) -> None:
    """Save, restore, delete or compare a named copy of the stack's Postgres and Redis data."""
    from stack.commands import snapshot

    snapshot.run(choice(stack), verb, name, branch=branch, overwrite=overwrite)


@task(name="snapshots", help=explained("stack", json="as JSON"))
@speaking
def snapshots(c: Context, stack: str = "local", json: bool = False) -> None:
    """List the stack's snapshots."""
    from stack.commands import snapshot

    snapshot.list_all(choice(stack), as_json=json)


@task(
    iterable=["encrypt"],
    help=explained("stack", path="the new folder; .stack/backups/ where none is named",
                   verify="check the backup in this folder instead, by restoring it aside",
                   encrypt="an age or GnuPG recipient (may be repeated)",
                   identity="age's file of the private key, to verify an encrypted backup",
                   jobs="how many processes restore side by side")
)  # fmt: skip
@speaking
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
    help=explained("stack", path="the folder of a backup", keep_old="keep the replaced data for good",
                   migrate="migrate a backup that is older than the code",
                   identity="age's file of the private key, for an encrypted backup",
                   jobs="how many processes restore side by side")
)  # fmt: skip
@speaking
def restore(
    c: Context, path: str, stack: str = "local", keep_old: bool = False, migrate: bool = False,
    identity: str = "", jobs: int = 1,
) -> None:  # fmt: skip
    """Verify a backup and put it in the place of the stack's data; nothing is restarted."""
    from stack.commands import restore

    restore.run(choice(stack), path=path, keep_old=keep_old, migrate=migrate, identity=identity, jobs=jobs)


@task(name="undo-restore", help=explained("stack"))
@speaking
def undo_restore(c: Context, stack: str = "local") -> None:
    """Bring back the data that the last restore replaced."""
    from stack.commands import restore

    restore.undo(choice(stack))


@task(help={"all": "every stack of this machine, living ones and their data too"})
@speaking
def prune(c: Context, all: bool = False) -> None:
    """Remove what ended stacks left, and caches nobody uses."""
    from stack.commands import prune

    prune.run(everything=all)


@task(help=explained("stack"))
@speaking
def stats(c: Context, stack: str = "local") -> None:
    """Show processor and memory use of each service."""
    from stack.commands import stats

    stats.run(choice(stack))


@task(help={"json": "as JSON"})
@speaking
def doctor(c: Context, json: bool = False) -> int:
    """Check this machine: Python, engines, ports, disk, leftovers; exit 1 on an error."""
    from stack.commands import doctor

    return doctor.run(as_json=json)


@task(
    iterable=["file", "profile"],
    help=explained(
        "stack", "engine", "file", "profile", dry_run="the plan: order, ports, commands, environment"
    ),
)
@speaking
def config(
    c: Context, stack: str = "local", engine: str = "auto", dry_run: bool = False,
    file: list[str] | None = None, profile: list[str] | None = None,
) -> None:  # fmt: skip
    """Show what the compose files say, or with --dry-run what would be done."""
    from stack.commands import config

    config.run(choice(stack, engine, file, profile), dry_run=dry_run)


namespace = Collection(
    up, down, stop, start, restart, build, ps, stacks_, logs, health, exec_, run, shell, manage, psql,
    redis_cli, reset_db, snapshot, snapshots, backup, restore,
    undo_restore, prune, stats, doctor, config,
)  # fmt: skip
