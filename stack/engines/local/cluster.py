"""Postgres data folders: one made by initdb is kept and copied, so that initdb is paid once."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

from stack.engines.local import single_user
from stack.engines.local.accounts import allow_traversal, chown_tree
from stack.engines.local.binaries import Postgres, fingerprint
from stack.engines.local.single_user import quoted
from stack.errors import BuildFailed, CommandFailed, StackError, StateUnreadable
from stack.system import programs
from stack.system.cached_folder import make_once
from stack.system.directories import cache_home
from stack.system.disk_space import disk_full, reports_full_disk

FORMAT = "3"
"""To be raised where what this module makes changes."""

SUPERUSER = "stack_superuser"
"""Makes the cluster, and can never connect to its server. A superuser could run programs as the server's
account (``COPY ... TO PROGRAM``), so POSTGRES_USER is a role that owns its databases and is none, except
while the project's own scripts fill a new database (``init_scripts``)."""

LEFT_S = 5.0
"""How long the children of a killed server are waited for; they notice its end by themselves."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides what a new data folder looks like. ``password`` is kept as a digest only."""

    user: str
    password: str
    database: str
    method: str
    initdb_args: str = ""


def create(
    postgres: Postgres,
    recipe: Recipe,
    folder: Path,
    *,
    durable: bool,
    finish: Callable[[Path], None] = lambda folder: None,
) -> None:
    """Fill ``folder`` with a new cluster, whole or not at all; ``finish`` does what is left to do in it.

    Raises:
        BuildFailed, DiskFull: initdb failed, or there is no room.
        StateUnreadable: the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()):
        raise StateUnreadable(
            f"{folder} is not empty and holds no Postgres database.",
            hint="Empty it, or choose another volume.",
        )
    prepared = _prepared(postgres, recipe)
    fresh = folder.with_name(f".{folder.name}.preparing")
    shutil.rmtree(fresh, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        _copy(postgres, prepared / "data", fresh, durable=durable)
        finish(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    fresh.rename(folder)


def _copy(postgres: Postgres, prepared: Path, fresh: Path, *, durable: bool) -> None:
    """Copy the prepared data; a ``durable`` copy is on the disk itself when this returns."""
    try:
        programs.run([*copy_command(sys.platform), prepared, fresh], timeout_s=programs.BUILD_LIMIT_S)
        if durable:
            sync: list[str | Path] = [postgres.bin / "initdb", "--sync-only", "-D", fresh]
            programs.run(sync, user=postgres.account, cwd=Path("/"), timeout_s=programs.BUILD_LIMIT_S)
    except CommandFailed as error:
        raise _failure("The prepared data could not be copied", error.output, fresh.parent) from error


def copy_command(platform: str) -> tuple[str, ...]:
    """Return the command that copies a tree; where the file system can, without copying any block."""
    return ("cp", "-a", "--reflink=auto") if platform.startswith("linux") else ("cp", "-a")


def version_of_data(folder: Path) -> int | None:
    """Return the major version that made ``folder``; None where it holds no cluster."""
    try:
        text = (folder / "PG_VERSION").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return int(text.partition(".")[0]) if text else None


def clear_stale_lock(
    folder: Path, *, users: Callable[[Path], list[int]], sleep: Callable[[float], None]
) -> None:
    """Remove the lock file of a server that was killed; its pid may belong to another program by now.

    Raises:
        StateUnreadable: a living server uses the folder.
    """
    lock = folder / "postmaster.pid"
    if not lock.exists():
        return
    waited = 0.0
    while living := users(folder):
        if waited >= LEFT_S:
            raise StateUnreadable(
                f"{folder} is in use by another Postgres server (pid {living[0]}).",
                hint="End that one first.",
            )
        sleep(0.05)
        waited += 0.05
    lock.unlink(missing_ok=True)


def servers_of(folder: Path) -> list[int]:
    """Return the pids of the Postgres processes whose working folder is ``folder``."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder.resolve()) and "postgres" in process.name():
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def _prepared(postgres: Postgres, recipe: Recipe) -> Path:
    """Return the folder of a cluster that was made by this recipe, made where there is none."""
    owner = postgres.account or pwd.getpwuid(os.geteuid()).pw_name
    parts = (*astuple(recipe), owner, fingerprint(postgres.bin / "postgres"), FORMAT)
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    folder = cache_home() / "postgres" / key

    def make(target: Path, descriptor: int) -> None:
        data = target / "data"
        allow_traversal(data, postgres.account)
        chown_tree(data, postgres.account)
        _initdb(postgres, recipe, data, descriptor)
        _write_access(data / "pg_hba.conf", recipe.method)
        _create_role_and_databases(postgres, recipe, data, descriptor)

    return make_once(folder, make)


def _initdb(postgres: Postgres, recipe: Recipe, data: Path, descriptor: int) -> None:
    words = ["--username", SUPERUSER, "--no-sync", "--auth=trust"]
    words += ["--encoding=UTF8", f"--locale={_locale()}", *shlex.split(recipe.initdb_args)]
    done = programs.run(
        [postgres.bin / "initdb", "-D", data, *words],
        user=postgres.account,
        cwd=Path("/"),
        check=False,
        pass_fds=(descriptor,),
        timeout_s=single_user.LIMIT_S,
    )
    if done.returncode != 0:
        raise _failure("initdb failed (check POSTGRES_INITDB_ARGS)", done.stderr, data)


def _write_access(path: Path, method: str) -> None:
    rows = (f"all {SUPERUSER} all reject", f"all all all {method}", f"replication all 127.0.0.1/32 {method}")
    hosts = "".join(f"host {row}\n" for row in rows)
    sockets = f"local all {SUPERUSER} reject\nlocal all all trust\n"  # only its own account reaches these
    path.write_text(sockets + hosts)


def _create_role_and_databases(postgres: Postgres, recipe: Recipe, data: Path, descriptor: int) -> None:
    failed = single_user.run(postgres, role_and_databases(recipe), data, pass_fds=(descriptor,))
    if failed:
        raise _failure(f"The role {recipe.user} or its database could not be created", failed, data)


def role_and_databases(recipe: Recipe) -> list[str]:
    """Return the SQL of the role POSTGRES_USER and of the databases that it owns, a statement a line."""
    role = quoted(recipe.user)
    password = f" PASSWORD {_literal(recipe.password)}" if recipe.password else ""
    create = [f"CREATE DATABASE {quoted(recipe.database)} OWNER {role}"]
    return [
        f"CREATE ROLE {role} LOGIN CREATEDB{password}",
        f"GRANT pg_monitor, pg_signal_backend TO {role}",
        f"ALTER DATABASE postgres OWNER TO {role}",
        *(create if recipe.database != "postgres" else []),
    ]


def _literal(text: str) -> str:
    """Return a string constant on one line."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"E'{escaped}'"


def _failure(what: str, output: str, folder: Path) -> StackError:
    if reports_full_disk(output):
        return disk_full(folder)
    return BuildFailed(f"{what}: {output.strip()[-1000:]}")


def _locale() -> str:
    """Return the official image's locale where the system has it, else a UTF-8 one, else C."""
    here = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in _locales()}
    return next((here[wish] for wish in ("enusutf8", "cutf8") if wish in here), "C")


def _locales() -> list[str]:
    try:
        return programs.run(["locale", "-a"]).stdout.split()
    except CommandFailed:
        return []
