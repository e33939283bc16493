"""Room for the document's own names: they are free before, and free again afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from plain_compose.shell import DEFAULT_PORTS, ROOT, Shell
from stack.engines import registry
from stack.system.ports import candidates, is_free

FILES = ("compose/docker-compose.ci.yml", "compose/docker-compose.local.yml")


def docker(*words: str) -> str:
    """Return what a docker command prints."""
    done = subprocess.run(["docker", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout


def names_in_use() -> list[str]:
    """Return the containers, networks and volumes that have the document's names."""
    containers: list[str] = []
    for project in ("ecommerce-local", "ecommerce-ci"):
        chosen = f"label=com.docker.compose.project={project}"
        containers += docker("ps", "--all", "--format", "{{.Names}}", "--filter", chosen).split()
    networks = docker("network", "ls", "--format", "{{.Name}}").split()
    volumes = docker("volume", "ls", "--format", "{{.Name}}").split()
    names = {"ecommerce-local-network", "ecommerce-ci-network", "ecommerce-postgres-data"}
    return containers + sorted(names & {*networks, *volumes})


@pytest.fixture(scope="session")
def clean_docker() -> Iterator[None]:
    """Check that no stack and no data has the document's names; build the images of the present code."""
    reason = registry.why_not("docker")
    assert reason is None, reason
    there = names_in_use()
    assert not there, f"in use, and this suite would remove them: {', '.join(there)}"
    for file in FILES:
        docker("compose", "-f", file, "build", "--quiet")
    yield
    for file in FILES:
        docker("compose", "-f", file, "down", "-v", "--remove-orphans")


@pytest.fixture(scope="session")
def shell(clean_docker: None) -> Shell:
    """A shell; another host port is used where a variable names one or where the default one is taken."""
    pool = candidates("plain-compose")
    chosen = {name: int(os.environ[name]) for name in DEFAULT_PORTS if name in os.environ}
    taken = [name for name, port in DEFAULT_PORTS.items() if name not in chosen and not is_free(port)]
    return Shell(ports=chosen | {name: next(port for port in pool if is_free(port)) for name in taken})
