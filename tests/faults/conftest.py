"""Every test has a state folder and a work tree of its own, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import evidence
from faults.settings import ENGINE, LONG
from faults.tree import Tree, remove_shared_folders

SEED = os.environ.setdefault("TEST_SEED", str(random.SystemRandom().randrange(10**6)))
"""Of the whole run: its other processes inherit it."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of other engines; a skipped test would look like one that ran."""
    others = [item for item in items if any(mark.args[0] != ENGINE for mark in item.iter_markers("only"))]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Record a number of seconds under a name; all are printed at the end, whichever process ran the test."""
    return lambda name, seconds: request.node.user_properties.append((name, seconds))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the form, the seed and what was measured; pytest -q leaves its header out."""
    form = "long" if LONG else "short"
    terminalreporter.write_line(f"engine {ENGINE}, {form} form, TEST_SEED={SEED}")
    table = defaultdict[str, list[float]](list)
    for report in terminalreporter.stats.get("passed", ()):
        for name, seconds in report.user_properties if report.when == "call" else ():
            table[name].append(seconds)
    for name, numbers in table.items():
        worst, usual = max(numbers) * 1000, statistics.median(numbers) * 1000
        terminalreporter.write_line(f"{name}: median {usual:.0f} ms, worst {worst:.0f} ms of {len(numbers)}")


@pytest.fixture
def two_services(tree: Tree) -> Tree:
    """A tree with two good services, one needing the other."""
    tree.write({"db": "well", "web": "well"}, web={"depends_on": {"db": {"condition": "service_healthy"}}})
    return tree


@pytest.fixture(params=["namespace", pytest.param("no namespace", marks=pytest.mark.only("local"))])
def protection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with a PID namespace, and without one.

    Containers are no children of the guardian: a namespace does not hold them.
    """
    monkeypatch.setenv("STACK_NAMESPACE", "1" if request.param == "namespace" else "0")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """A random generator, seeded by TEST_SEED and the test's name."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    """A work tree; anything that its stacks leave behind fails the test."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("STACK_HOME", str(home))
    monkeypatch.setenv("STACK_NAME", f"ecommerce-toy-{secrets.token_hex(3)}")  # a container engine is shared
    work_tree = Tree(tmp_path / "tree")
    evidence.watch(work_tree.folder / ".stack")
    yield work_tree
    try:
        work_tree.require_nothing_left()
    finally:
        for process in list(work_tree.processes()):
            with contextlib.suppress(psutil.Error):
                process.kill()
        remove_shared_folders()
