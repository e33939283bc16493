"""The uv program: where it is, how it is run, and which error each of its failures is."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Collection, Mapping
from pathlib import Path

from stack.errors import BuildFailed, CommandFailed, DiskFull, LockMismatch, StackError
from stack.system import installers
from stack.system.disk_space import reports_full_disk

IGNORED = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON", "UV_PROJECT", "UV_SYSTEM_PYTHON")
"""Variables of the user's shell that would make uv use another interpreter or project."""

LOCK_ERRORS = ("Hash mismatch", "--require-hashes", "no version of", "was not found in the package registry")
LAST_LINES = 12
_SYSCONFIG = threading.Lock()
"""sysconfig, which uv uses, is not safe to call from two threads at once (python/cpython#106905)."""


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
        path = shutil.which("uv")
    if path is None:
        raise BuildFailed("uv is not installed.", hint="Install it with `python3 -m pip install -e .`.")
    return path


def call(
    *words: str | Path,
    cwd: Path,
    lock: Path | None = None,
    pass_fds: Collection[int] = (),
    path: str | None = None,
) -> str:
    """Run uv and return its standard output; ``path`` replaces the PATH that it searches.

    Raises:
        LockMismatch: the package index does not have what ``lock`` pins.
        DiskFull: the disk is full.
        BuildFailed: any other failure; carries the last lines.
    """
    environment = environment_of(os.environ)
    if path is not None:
        environment["PATH"] = path
    argv = (program(), *words)
    try:
        return installers.run(argv, cwd=cwd, env=environment, pass_fds=pass_fds).stdout
    except CommandFailed as error:
        raise error_of(error.output, lock, ended=error.problem if error.timed_out else "") from error


def environment_of(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that uv runs in: it trusts the certificates that the system trusts, as pip does.

    uv's own list lacks that of a company's proxy
    (https://docs.astral.sh/uv/concepts/authentication/certificates/).
    """
    import ssl  # 10 ms, which only who runs uv pays

    environment = {key: value for key, value in variables.items() if key not in IGNORED}
    store = ssl.get_default_verify_paths()
    if store.cafile or (store.capath and any(Path(store.capath).iterdir())):
        environment.setdefault("UV_SYSTEM_CERTS", "1")
    return environment


def error_of(output: str, lock: Path | None, *, ended: str = "") -> StackError:
    """Return the error that uv's output describes; ``ended`` says why it was killed."""
    last = "\n".join(output.strip().splitlines()[-LAST_LINES:])
    if reports_full_disk(output):
        return DiskFull(f"The disk is full: {last}", hint="Free some space, or run `inv prune`.")
    if lock is not None and any(sign in output for sign in LOCK_ERRORS):
        return LockMismatch(
            f"{lock} does not match the package index:\n{last}",
            hint="Update it with the tool that made it; in this repository: `nox -s lock`.",
        )
    why = installers.why_ended(ended, last) if ended else f":\n{last}"
    return BuildFailed(
        f"uv could not install {lock or 'the environment'}{why}",
        hint="Check that the package index can be reached.",
    )
