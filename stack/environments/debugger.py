"""The debugger of Python services: debugpy, installed on demand, beside a service's own environment."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from stack.environments import uv
from stack.environments.service_environment import Say
from stack.system.cached_folder import make_once
from stack.system.directories import cache_home

LOCK: Final = Path(__file__).with_name("debugpy.txt")


def install(virtualenv: Path, *, say: Say = lambda text: None) -> Path:
    """Return the folder that makes debugpy importable for the Python of an environment; made once for each.

    Raises:
        LockMismatch, BuildFailed, DiskFull: it could not be installed.
    """
    python = virtualenv / "bin" / "python"
    content = (LOCK.read_bytes(), (virtualenv / "pyvenv.cfg").read_bytes())
    digest = hashlib.sha256(b"\0".join(content)).hexdigest()[:16]
    folder = cache_home() / "debugpy" / digest

    def make(target: Path, descriptor: int) -> None:
        say("installing debugpy")
        words = ("--no-deps", "--require-hashes", "--no-python-downloads", "--link-mode", "copy", "-r", LOCK)
        where = ("--quiet", "--target", target, "--python", python)
        uv.call("pip", "install", *where, *words, cwd=target, lock=LOCK, pass_fds=(descriptor,))

    make_once(folder, make)
    return folder
