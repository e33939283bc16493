"""A fresh clone with a fresh virtual environment, as a new reader has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.system.directories import ROOT

ENGINE = os.environ.get("DOCS_ENGINE", "local")
"""Which blocks are typed: ``local`` without a container engine, ``docker`` those that need one."""

PORTS = {"BACKEND_PORT": 8000, "GATEWAY_PORT": 9000, "POSTGRES_PORT": 5432, "REDIS_PORT": 6379}
"""The documented host ports, and the variables that choose others."""


def clone(target: Path) -> Path:
    """Copy the files of this work tree, as they are now, into a repository of their own."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    subprocess.run(["git", "init", "--quiet"], cwd=target, check=True)
    subprocess.run(["git", "add", "--all"], cwd=target, check=True)
    return target


def environment(work: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the environment of a reader's shell: a virtual environment and a state folder of its own."""
    venv = work / "shop" / ".venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    (work / ".curlrc").write_text("no-progress-meter\n")  # on a terminal curl shows none
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "STACK_NAME", "NOX_CURRENT_SESSION"}
        and not name.startswith("PYTEST")
    }
    return {
        **inherited,
        **{name: str(port) for name, port in ports.items()},
        "PATH": os.pathsep.join([str(venv / "bin"), *_system_path()]),
        "PIP_QUIET": "3",  # what pip prints depends on the machine
        "CURL_HOME": str(work),
        "STACK_HOME": str(work / "home"),
        **({"DOCKER_HOST": f"unix://{work}/no-engine.sock"} if ENGINE == "local" else {}),
        "TERM": "dumb",
    }


def _system_path() -> list[str]:
    """Return the folders of the PATH that belong to no virtual environment."""
    folders = os.environ["PATH"].split(os.pathsep)
    return [folder for folder in folders if not (Path(folder).parent / "pyvenv.cfg").exists()]
