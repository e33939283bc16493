"""A folder for one run that other accounts can enter; the next run removes the folder of a killed one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import evidence

PREFIX = "shop-crashes-"
LOCK = "in-use"


@contextmanager
def folder() -> Iterator[Path]:
    """Return an empty folder; remove it at the end of the block."""
    _sweep()
    fresh = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}"))
    fresh.chmod(0o755)  # Postgres does not run as root, and has to come here
    with (fresh / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder_in_use = fresh.rename(
            fresh.with_name(fresh.name.removeprefix("new-"))
        )  # swept only once it is locked
        evidence.watch(folder_in_use)
        try:
            yield folder_in_use
        finally:
            shutil.rmtree(folder_in_use)


def _sweep() -> None:
    """Remove the folders of killed runs: their lock is free."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError), (left / LOCK).open("r+") as lock:
            if left.stat().st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
