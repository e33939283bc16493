"""A stack for every case, ended and removed whatever happens."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parity.toy_stack import TOYS, ToyStack, containers_of

MakeStack = Callable[..., ToyStack]
IMAGE = "python:3.13-slim"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of all stacks of this run."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def podman_image() -> None:
    """The toys' image, copied from Docker to Podman where Podman has none."""
    if subprocess.run(["podman", "image", "exists", IMAGE]).returncode:
        saved = subprocess.run(["docker", "save", IMAGE], capture_output=True, check=True)
        subprocess.run(["podman", "load"], input=saved.stdout, capture_output=True, check=True)


@pytest.fixture
def make_stack(tmp_path: Path, home: Path) -> Iterator[MakeStack]:
    """Return a function that makes stacks; all of them are ended after the test."""
    stacks: list[ToyStack] = []

    def make(engine: str, **keys: object) -> ToyStack:
        folder = tmp_path / f"{engine}-{len(stacks)}"
        shutil.copytree(TOYS, folder / "toys", ignore=shutil.ignore_patterns("__pycache__"))
        stack = ToyStack(engine=engine, folder=folder, home=home, **keys)  # type: ignore[arg-type]
        stacks.append(stack)
        return stack

    yield make
    refused = []
    for stack in stacks:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if (ended := stack.down("--volumes")).code:
                refused.append(ended)
                stack.down()
        if stack.engine != "local":
            remove(stack)
    assert not refused, refused


def remove(stack: ToyStack) -> None:
    """Remove containers, networks and volumes that a failed case left."""
    words = {"container": ["rm", "--force"], "network": ["network", "rm"], "volume": ["volume", "rm"]}
    for entry in containers_of(stack.engine, stack.name):
        kind, _, name = entry.partition(" ")
        subprocess.run([stack.engine, *words[kind], name], capture_output=True)
