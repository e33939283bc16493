"""A file system with little room."""

from __future__ import annotations

import os
from pathlib import Path


def small_disk(folder: Path, size: str, words: list[str], *, in_service: bool = False) -> list[str]:
    """Return a command that runs another one with a small file system at ``folder``, in a mount namespace.

    ``in_service``: it is the command of a service, which is never root's.
    """
    user = ["--user", "--map-root-user"] if in_service or os.geteuid() != 0 else []
    script = f'mount -t tmpfs -o size={size} small "{folder}" && exec "$@"'
    return ["unshare", *user, "--mount", "sh", "-c", script, "sh", *words]
