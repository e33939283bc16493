"""Who a service runs as where we are root, and whether that account can reach its files."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Sequence
from pathlib import Path

from stack.errors import NotRunnable
from stack.model import Service
from stack.system import private_folder
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
        "A service must not run as root, and there is no account 'nobody' to run it as.",
        hint="Run the stack as an ordinary user.",
    )


def give_data(service: Service, folder: Path, user: str | None, *, private: bool = False) -> None:
    """Let the account use the data folder of a server; ``private``: others must not be able to read it.

    What a bind mount holds already is never changed.

    Raises:
        NotRunnable: the account cannot use a folder in a bind mount.
    """
    if not folder.exists() or not _is_bound(service, folder):
        chown_tree(folder, user)
    elif command := _needed(folder, user, private=private):
        raise NotRunnable(
            f"services.{service.name}: {folder} is in a bind mount, which is left as it is, and the server "
            "cannot use it.",
            hint=f"Run `{command}`, or use a named volume.",
        )
    allow_traversal(folder, user)


def _needed(folder: Path, user: str | None, *, private: bool) -> str:
    """Return the command after which the account can use ``folder``, nothing where it can."""
    uid = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    found = folder.stat()
    if found.st_uid != uid and (private or not found.st_mode & stat.S_IWOTH):
        return f"chown -R {user or uid} {folder}" + (f" && chmod 700 {folder}" if private else "")
    return f"chmod 700 {folder}" if private and found.st_mode & 0o077 else ""


def _is_bound(service: Service, folder: Path) -> bool:
    """Return whether a folder is in a bind mount of a service."""
    sources = [Path(mount.source or "/") for mount in service.mounts if mount.type == "bind"]
    return any(folder == source or source in folder.parents for source in sources)


def chown_file(path: Path, user: str) -> None:
    """Make a file in a folder of our own the account's."""
    account = pwd.getpwnam(user)
    os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def chown_tree(folder: Path, user: str | None, *, mode: int = 0o700) -> None:
    """Make ``folder`` the account's own, with all that is in it; without an account, the caller's.

    The folder itself is changed last: until then the account cannot exchange what is in it for links.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, private_folder.FLAGS)
    try:
        os.fchmod(descriptor, mode)
        if user is None:
            return
        account = pwd.getpwnam(user)
        if os.fstat(descriptor).st_uid == account.pw_uid:
            return
        ids = account.pw_uid, account.pw_gid
        for _, folders, files, parent in os.fwalk(".", topdown=False, dir_fd=descriptor):
            for name in (*folders, *files):
                os.chown(name, *ids, dir_fd=parent, follow_symlinks=False)
        os.fchown(descriptor, *ids)
    finally:
        os.close(descriptor)


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
                f"The account {user}, which runs this service in root's place, cannot enter {folder}.",
                hint="Run the stack as an ordinary user, choose another place with STACK_HOME and "
                f"STACK_CACHE, or run `chmod o+x {folder}`.",
            )
        folder.chmod(folder.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)


def blocking_folders(path: Path, uid: int) -> list[Path]:
    """Return the folders above ``path`` that the account may not pass, outermost first."""
    return closed_folders(path.resolve().parents, uid)


def closed_folders(folders: Sequence[Path], uid: int) -> list[Path]:
    """Return those of ``folders``, which are innermost first, that the account may not pass."""
    states = [(folder, folder.stat()) for folder in reversed(folders)]
    return [each for each, found in states if found.st_uid != uid and not found.st_mode & stat.S_IXOTH]


def search_path(path: str, user: str | None) -> str:
    """Return a PATH without the folders that the account may not enter.

    Of a program that is nowhere, a shell would say "Permission denied" because of them.
    """
    if user is None:
        return path
    uid = pwd.getpwnam(user).pw_uid
    folders = [Path(folder) for folder in path.split(os.pathsep) if folder]
    return os.pathsep.join(
        str(folder) for folder in folders if folder.is_dir() and not blocking_folders(folder / "any", uid)
    )


def _homes() -> tuple[Path, ...]:
    return tuple(home.resolve() for home in (state_home(), cache_home(), SHARED_MEMORY))
