"""Reset, seed, copy and back up a stack's data."""

from __future__ import annotations

import importlib

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.task import ListsTask, choice, command, explain, quick_command

Options = dict[str, str | bool | list[str] | None]


def on_standby(word: str, stack: str, compose: str, options: Options) -> int | None:
    """Let the standby of the stack clean up and do a command; where none takes it, do it here."""
    from stack.control import standby

    chosen, stack_options = choice(stack, compose), {"stack": stack, "compose": compose}
    code = standby.run(chosen.resolve_name(), word, options, stack_options)
    if code is None:
        from stack.commands import prune

        prune.clean_up_killed_stacks()
        importlib.import_module(f"stack.commands.{word}").run(chosen, **options)
    return code


@task(
    name="reset-db",
    help=explain("stack", "compose", empty="migrated only, nothing seeded", products="how many products",
                   orders="how many past orders", seed="another catalogue of the same size")
)  # fmt: skip
@quick_command
def reset_db(
    c: Context, stack: str = "local", empty: bool = False, products: str = "", orders: str = "0",
    seed: str = "0", compose: str = "",
) -> int | None:  # fmt: skip
    """Give the stack fresh data, migrated and seeded, while its services run."""
    options: Options = {"empty": empty, "products": products, "orders": orders, "seed": seed}
    return on_standby("reset_db", stack, compose, options)


@task(
    help=explain("stack", "compose", products="how many products there are in the end",
                 orders="how many past orders", seed="another catalogue of the same size")
)  # fmt: skip
@command
def seed(
    c: Context, stack: str = "local", products: str = "1000", orders: str = "0", seed: str = "0",
    compose: str = "",
) -> None:  # fmt: skip
    """Add products and past orders until there are as many as asked for; delete nothing."""
    from stack.commands import seed as seeding

    seeding.run(choice(stack, compose), products=products, orders=orders, seed=seed)


@task(
    help=explain("stack", "compose", "json", "yes",
                 verb="save, restore, list, delete or diff, also as a plain word",
                 name="what it is called, also as a plain word",
                 branch="NAME is a git branch (default: the current one), replaced by each save",
                 overwrite="replace a snapshot of that name")
)  # fmt: skip
@quick_command
def snapshot(
    c: Context, verb: str | None = None, name: str | None = None, stack: str = "local", branch: bool = False,
    overwrite: bool = False, json: bool = False, yes: bool = False, compose: str = "",
) -> int | None:  # fmt: skip
    """Save, restore, list, delete or compare named copies of the stack's Postgres and Redis data."""
    options: Options = {"branch": branch, "overwrite": overwrite, "as_json": json, "yes": yes}
    return on_standby("snapshot", stack, compose, {"verb": verb or "", "name": name or "", **options})


@task(
    klass=ListsTask, iterable=["encrypt"],
    help=explain("stack", "compose", path="the new folder, also as a plain word; default: in .stack/backups/",
                 verify="check the backup in this folder instead, by restoring it aside",
                 encrypt="an age or GnuPG recipient (may be repeated)",
                 identity="age's file of the private key, to verify an encrypted backup",
                 jobs="how many processes restore side by side; default: one a processor")
)  # fmt: skip
@quick_command
def backup(
    c: Context, path: str | None = None, stack: str = "local", verify: str | None = None,
    encrypt: list[str] | None = None, identity: str = "", jobs: str = "", compose: str = "",
) -> int | None:  # fmt: skip
    """Back up the stack's Postgres and Redis data to a folder, or verify a backup."""
    options: Options = {"path": path or "", "verify": verify, "identity": identity, "jobs": jobs}
    return on_standby("backup", stack, compose, {**options, "recipients": list(encrypt or [])})


@task(
    help=explain("stack", "compose", path="the folder of a backup, also as a plain word",
                 undo="bring back the data that the last restore replaced",
                 keep_old="keep the replaced data also after later restores",
                 migrate="migrate a backup that is older than the code",
                 identity="age's file of the private key, for an encrypted backup",
                 jobs="how many processes restore side by side; default: one a processor")
)  # fmt: skip
@quick_command
def restore(
    c: Context, path: str | None = None, stack: str = "local", undo: bool = False, keep_old: bool = False,
    migrate: bool = False, identity: str = "", jobs: str = "", compose: str = "",
) -> int | None:  # fmt: skip
    """Verify a backup and put it in the place of the stack's data; nothing is restarted."""
    options: Options = {"path": path or "", "undo": undo, "keep_old": keep_old, "migrate": migrate}
    return on_standby("restore", stack, compose, {**options, "identity": identity, "jobs": jobs})
