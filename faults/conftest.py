"""Every test has a machine's state and a work tree of its own, and leaves neither."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from faults.stage import ENGINE, LONG, Tree

SEED = int(os.environ.get("TEST_SEED", random.SystemRandom().randrange(10**6)))


def pytest_report_header() -> list[str]:
    return [f"engine: {ENGINE}", f"form: {'long' if LONG else 'short'}", f"seed: TEST_SEED={SEED}"]


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Chance that the seed and the test's own name repeat."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """A work tree; whatever its stacks leave fails the test."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("STACK_HOME", str(home))
    made = Tree(tmp_path / "tree")
    yield made
    try:
        made.nothing_left()
    finally:
        for process in list(made.processes()):
            with contextlib.suppress(psutil.Error):
                process.kill()
