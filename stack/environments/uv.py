"""How uv is called: which program, in which environment, and what its failures mean."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Collection
from pathlib import Path

from stack.errors import BuildFailed, CommandFailed, DiskFull, LockMismatch, StackError
from stack.system import programs
from stack.system.disk_space import reports_full_disk

IGNORED = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON", "UV_PROJECT", "UV_SYSTEM_PYTHON")
"""Variables of the user's shell that would make uv look elsewhere than we say."""

LOCK_SIGNS = ("Hash mismatch", "--require-hashes", "no version of", "was not found in the package registry")
LAST_LINES = 12
_SYSCONFIG = threading.Lock()
"""sysconfig, which uv asks, answers a second thread wrongly while it fills its table for the first."""


def program() -> str:
    """Return the path of uv: the one installed beside this interpreter, else the one on the PATH.

    Raises:
        BuildFailed: there is none.
    """
    try:
        import uv

        with _SYSCONFIG:
            return uv.find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise BuildFailed("uv is not installed.", hint="`python3 -m pip install -e .` brings it.")
    return found


def call(
    *words: str | Path,
    cwd: Path,
    lock: Path | None = None,
    pass_fds: Collection[int] = (),
    path: str | None = None,
) -> str:
    """Run uv and return its standard output; ``path`` replaces the PATH that it searches.

    Raises:
        LockMismatch: what the index holds is not what ``lock`` pins.
        DiskFull: there was no room.
        BuildFailed: anything else; carries the last lines.
    """
    environment = {key: value for key, value in os.environ.items() if key not in IGNORED}
    if path is not None:
        environment["PATH"] = path
    argv = (program(), *words)
    try:
        return programs.run(argv, cwd=cwd, env=environment, pass_fds=pass_fds).stdout
    except CommandFailed as error:
        raise meaning(error.output, lock) from error


def meaning(output: str, lock: Path | None) -> StackError:
    """Return the error that uv's output stands for."""
    last = "\n".join(output.strip().splitlines()[-LAST_LINES:])
    if reports_full_disk(output):
        return DiskFull(f"There was no room left: {last}", hint="Free some space, or run `inv prune`.")
    if lock is not None and any(sign in output for sign in LOCK_SIGNS):
        return LockMismatch(
            f"{lock} does not match what the package index holds:\n{last}",
            hint="Make it again with `nox -s lock`.",
        )
    return BuildFailed(
        f"uv could not make what {lock or 'was asked'} says:\n{last}", hint="Is the package index reachable?"
    )
