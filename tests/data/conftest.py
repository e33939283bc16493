"""One stack for all tests that leave it as they found it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.keys import Keys, age_identity
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


@pytest.fixture(scope="session")
def good_backup(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the stack as seeded, with a key in Redis."""
    path = tmp_path_factory.mktemp("backups") / "good"
    stack.typed("reset-db")
    stack.redis("SET basket full")
    stack.typed("backup", str(path))
    return path


@pytest.fixture
def copy(good_backup: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(good_backup, tmp_path / "copy"))


@pytest.fixture
def age_keys(tmp_path: Path) -> Keys:
    file = age_identity(tmp_path / "key.txt")
    words = ["age-keygen", "-y", str(file)]
    public = subprocess.run(words, capture_output=True, encoding="utf-8", check=True).stdout.strip()
    return Keys(recipient=public, identity=("--identity", str(file)))
