"""One fresh clone for all pages: what the README installs is there for the others."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import evidence
from crashes.processes import free_port
from docs.clone import ENGINE, PORTS, clone, environment

collect_ignore = ["test_recipes.py"] if ENGINE == "docker" else ["test_failing_backend.py"]
"""A test that needs the other engine is not collected; a skipped one would look like one that ran."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Where a reader types: a folder, an environment, and host ports that nobody else gets meanwhile.

    Other stacks come and go: at the documented ports, and at those that the engine chooses.
    """

    folder: Path
    environment: Mapping[str, str]
    ports: Mapping[str, int]

    def translate(self, text: str) -> str:
        """Return a command line with the host ports that are used; within a container its own are right."""
        if "docker compose" in text and " exec " in text:
            return text
        for name, port in self.ports.items():
            text = text.replace(f"localhost:{PORTS[name]}", f"localhost:{port}")
            text = text.replace(f"-i :{PORTS[name]}", f"-i :{port}")
        return text


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """A reader with a fresh clone; everything that the pages leave running is ended."""
    ports = {name: free_port() for name in PORTS}
    with tempfile.TemporaryDirectory(prefix="docs-") as name:
        work = Path(name)
        work.chmod(0o755)  # servers run as another account
        folder = clone(work / "shop")
        surroundings = environment(work, ports)
        if ENGINE == "docker":
            require_free_names()
            install(folder, surroundings)
        evidence.watch(folder / ".stack" / "runs")
        yield Reader(folder=folder, environment=surroundings, ports=ports)
        for kind in ("local", "ci") if ENGINE == "docker" else ():
            docker("compose", "-f", str(folder / f"docker-compose.{kind}.yml"), "down", "-v")
        if (folder / ".venv" / "bin" / "inv").exists():
            subprocess.run(["inv", "prune", "--all"], cwd=folder, env=surroundings, check=True, timeout=120)


def install(folder: Path, surroundings: Mapping[str, str]) -> None:
    """Install the project into the clone's environment, as the README's first command does."""
    python = folder / ".venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-e", folder], env=surroundings, check=True)


def require_free_names() -> None:
    """Fail where a stack or data has the names of plain Docker Compose: the pages would remove it."""
    taken = names_in_use()
    assert not taken, f"in use, and this suite would remove them: {', '.join(taken)}"


def names_in_use() -> list[str]:
    """Return the containers, networks and volumes that have the names of plain Docker Compose."""
    names: list[str] = []
    for project in ("ecommerce-local", "ecommerce-ci"):
        label = f"label=com.docker.compose.project={project}"
        names += docker("ps", "--all", "--format", "{{.Names}}", "--filter", label).split()
    networks = docker("network", "ls", "--format", "{{.Name}}").split()
    volumes = docker("volume", "ls", "--format", "{{.Name}}").split()
    fixed = {"ecommerce-local-network", "ecommerce-ci-network", "ecommerce-postgres-data"}
    return names + sorted(fixed & {*networks, *volumes})


def docker(*words: str) -> str:
    """Run the docker client; return its output."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def pytest_report_header() -> str:
    return f"engine: {ENGINE}"
