"""What runs a stack, and in which version: for the doctor, and for the record of a run."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from stack.engines.container import podman
from stack.errors import CommandFailed
from stack.system import programs

ANSWER_LIMIT_S = 10.0

ENGINES = {
    "docker": {
        "Engine": ("docker", "version", "--format", "{{.Server.Version}}"),
        "compose": ("docker", "compose", "version"),
        "buildx": ("docker", "buildx", "version"),
    },
    "podman": {
        "Podman": ("podman", "version", "--format", "{{.Client.Version}}"),
        "compose": ("podman", "compose", "version"),
    },
}


def machine() -> str:
    """Return Python, platform and processors, a line each."""
    return f"python {sys.version.split()[0]}\nplatform {platform.platform()}\nprocessors {os.cpu_count()}\n"


def engine(name: str) -> str:
    """Return an engine and its plugins, each with its version: ``Engine 26.1.5, compose 2.26.1``."""
    commands = dict(ENGINES.get(name, {}))
    if name == "podman" and shutil.which(podman.PROVIDER):
        commands["compose"] = (podman.PROVIDER, "version")
    return ", ".join(f"{part} {of(argv)}" for part, argv in commands.items())


def of(argv: Sequence[str | Path]) -> str:
    """Return the first version number that a command prints, a question mark where it prints none."""
    with contextlib.suppress(CommandFailed):
        output = programs.run(argv, timeout_s=ANSWER_LIMIT_S).stdout
        if version := re.search(r"\d+(\.\d+)+", output):
            return version[0]
    return "?"
