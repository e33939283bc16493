"""Where the engine keeps what outlives a command: caches that can be made again, and state that cannot.

Root's folders lie in ``/var`` because servers are run there as another account, which must be able
to reach them; root's own home is closed to everybody else.
"""

from __future__ import annotations

import errno
import os
import zlib
from pathlib import Path

from stack.errors import StateUnreadable

ROOT = Path(__file__).resolve().parents[2]
"""The root of the repository."""
NAME = "ecommerce-stack"
ROOTS = (0,)
"""Accounts that can change every folder anyway."""


def let_accounts_in() -> None:
    """Let the accounts that root's servers and services run as enter what is made from now on.

    Whatever umask root has; what is private is made so by its own mode.
    """
    if os.geteuid() == 0:
        os.umask(0o022)


def cache_home() -> Path:
    """Return the folder of what can be made again: environments, server binaries, prepared data."""
    return _directory("STACK_CACHE", Path("/var/cache"), "user_cache_path")


def state_home() -> Path:
    """Return the folder of what is remembered: stacks, their named volumes, snapshots."""
    return _directory("STACK_HOME", Path("/var/lib"), "user_state_path")


def home_id() -> str:
    """Return a word that no other account has, nor this account with another state folder."""
    return f"{os.getuid()}-{zlib.crc32(str(state_home()).encode()):08x}"


def _directory(variable: str, system: Path, function: str) -> Path:
    chosen = os.environ.get(variable)
    if chosen:
        path = Path(chosen).expanduser().absolute()
    elif os.geteuid() == 0:
        path = system / NAME
    else:
        import platformdirs

        path = getattr(platformdirs, function)(NAME)
    if not path.is_dir():
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            raise StateUnreadable(
                f"The folder {path} cannot be made ({error.strerror}).",
                hint=f"Set {variable} to a folder that you may write.",
            ) from error
        path.chmod(0o755 if os.geteuid() == 0 else 0o700)  # mkdir's mode is subject to the umask
    elif path.stat().st_uid not in (os.geteuid(), *ROOTS):
        raise StateUnreadable(
            f"{path} belongs to another account, which could change what is in it.",
            hint=f"Set {variable} to a folder of your own.",
        )
    return path
