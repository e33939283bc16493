"""Who a server runs as where we are root, and whether that account can reach its files."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from stack.errors import NotRunnable
from stack.system.directories import cache_home, state_home

SHARED_MEMORY = Path("/dev/shm")


def unprivileged(*preferred: str) -> str | None:
    """Return the first account that exists, ``nobody`` in the end; None where we are not root.

    Raises:
        NotRunnable: there is none.
    """
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    for name in (*preferred, "nobody"):
        if name in known:
            return name
    raise NotRunnable(
        "A server must not run as root, and there is no account 'nobody' to run it as.",
        hint="Run the stack as an ordinary user.",
    )


def chown_tree(folder: Path, user: str | None, *, mode: int = 0o700) -> None:
    """Make ``folder`` the account's own, with all that is in it; without an account, our own."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
    if user is None:
        return
    account = pwd.getpwnam(user)
    if folder.stat().st_uid != account.pw_uid:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def allow_traversal(path: Path, user: str | None) -> None:
    """Let ``user`` pass through every folder above ``path`` that is ours; check the others.

    Raises:
        NotRunnable: a folder that is not ours keeps the account out.
    """
    if user is None:
        return
    account = pwd.getpwnam(user)
    for folder in blocking_folders(path, account.pw_uid):
        if not any(folder == home or home in folder.parents for home in _homes()):
            raise NotRunnable(
                f"The account {user}, which runs this server in root's place, cannot enter {folder}.",
                hint=f"Choose another place with STACK_HOME and STACK_CACHE, or run `chmod o+x {folder}`.",
            )
        folder.chmod(folder.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)


def blocking_folders(path: Path, uid: int) -> Iterable[Path]:
    """Return the folders above ``path`` that the account may not pass, outermost first."""
    above = [folder for folder in reversed(path.resolve().parents) if folder.stat().st_uid != uid]
    return [folder for folder in above if not folder.stat().st_mode & stat.S_IXOTH]


def _homes() -> tuple[Path, ...]:
    return tuple(home.resolve() for home in (state_home(), cache_home(), SHARED_MEMORY))
