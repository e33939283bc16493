"""A file system with little room."""

from __future__ import annotations

import os
from pathlib import Path


def small_disk(folder: Path, size: str, words: list[str]) -> list[str]:
    """Return a command that runs another one with a small file system at ``folder``, in a mount namespace."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = f'mount -t tmpfs -o size={size} small "{folder}" && exec "$@"'
    return ["unshare", *user, "--mount", "sh", "-c", script, "sh", *words]
