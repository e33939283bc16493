"""One stack for all tests that leave it as they found it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.stack import Stack, running

LOGGING = str(Path(__file__).parent / "logging.yml")


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A state folder that the servers' account can enter."""
    with tempfile.TemporaryDirectory(prefix="stack-data-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def stack(home: Path) -> Iterator[Stack]:
    """The stack with Postgres and Redis."""
    with running(home / "local", "local", "--file", LOGGING) as running_stack:
        yield running_stack


@pytest.fixture(scope="session")
def file_stack(home: Path) -> Iterator[Stack]:
    """The stack with SQLite."""
    with running(home / "ci", "ci") as running_stack:
        yield running_stack
