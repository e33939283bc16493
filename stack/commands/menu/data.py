"""Reset, seed, copy and back up a stack's data."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from stack.commands.menu.task import choice, command, explain


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
