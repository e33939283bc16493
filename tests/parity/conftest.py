"""A stage for every case, ended and removed whatever happens."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parity.stage import TOYS, Stage, containers_left

MakeStage = Callable[..., Stage]
IMAGE = "python:3.13-slim"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of all stacks of this run."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def podmans_image() -> None:
    """The toys' image, which Podman takes from Docker where it has none: both run the same bytes."""
    if subprocess.run(["podman", "image", "exists", IMAGE]).returncode:
        saved = subprocess.run(["docker", "save", IMAGE], capture_output=True, check=True)
        subprocess.run(["podman", "load"], input=saved.stdout, capture_output=True, check=True)


@pytest.fixture
def make_stage(tmp_path: Path, home: Path) -> Iterator[MakeStage]:
    """Return a function that makes stages; all of them are ended afterwards."""
    made: list[Stage] = []

    def make(engine: str, **keys: object) -> Stage:
        folder = tmp_path / f"{engine}-{len(made)}"
        shutil.copytree(TOYS, folder / "toys", ignore=shutil.ignore_patterns("__pycache__"))
        stage = Stage(engine=engine, folder=folder, home=home, **keys)  # type: ignore[arg-type]
        made.append(stage)
        return stage

    yield make
    for stage in made:
        with contextlib.suppress(subprocess.TimeoutExpired):
            stage.down("--volumes")
        if stage.engine != "local":
            remove(stage)


def remove(stage: Stage) -> None:
    """Remove by name what a failed case has left in a container engine."""
    words = {"container": ["rm", "--force"], "network": ["network", "rm"], "volume": ["volume", "rm"]}
    for entry in containers_left(stage.engine, stage.name):
        kind, _, name = entry.partition(" ")
        subprocess.run([stage.engine, *words[kind], name], capture_output=True)
