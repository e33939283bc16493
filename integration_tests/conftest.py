"""Where the stack is, and in which order it is asked.

BACKEND_URL and GATEWAY_URL say where the services are, DATABASE_URL and REDIS_URL (optional) where their
stores are. The order of the tests, and what they choose at random, follow from one seed: it is printed,
and TEST_SEED repeats it.
"""

# ruff: noqa: E402 - assertion rewriting is registered before the helpers are imported

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("shop", "books", "buyers", "event_stream")  # helpers' assertions explain, too

import readiness
import shop
from books import books_agree
from deadline import pytest_runtest_call
from failing_service import closed_url, failing_url
from failures import pytest_runtest_makereport, pytest_runtest_setup
from fresh_database import fresh_db, own_databases
from shell_scripts import pytest_collect_file
from shop import Service
from spans import pytest_runtest_logreport, pytest_runtest_protocol, pytest_sessionfinish

__all__ = [
    "books_agree",
    "closed_url",
    "failing_url",
    "fresh_db",
    "own_databases",
    "pytest_collect_file",
    "pytest_runtest_call",
    "pytest_runtest_logreport",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
]

HERE = Path(__file__).parent
# The ci stack keeps its data in a file of the backend: no test can have a database of its own there.
collect_ignore = [] if "DATABASE_URL" in os.environ else ["test_fresh_database.py"]
SEED = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed of this run."""
    config.stash[SEED] = os.environ.get("TEST_SEED") or str(random.SystemRandom().randrange(10**6))


def pytest_sessionstart() -> None:
    """Unblock Ctrl-C, which the command that runs the tests blocks until everything is imported.

    pytest reports at the first one; at the second one that command ends the tests at once.
    """
    if os.environ.get("STACK_RUN") and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupted)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _interrupted(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Leave Ctrl-C to the command that runs the tests: everything has been reported."""
    if os.environ.get("STACK_RUN"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return what is needed to repeat this run."""
    addresses = [f"{name}={shop.address(name)}" for name in shop.DEFAULTS]
    return [f"stack: {' '.join(addresses)}", f"seed: TEST_SEED={config.stash[SEED]}"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Shuffle the tests of this folder: none may depend on another."""
    mine = [index for index, item in enumerate(items) if item.path.is_relative_to(HERE)]
    shuffled = [items[index] for index in mine]
    random.Random(config.stash[SEED]).shuffle(shuffled)
    for index, item in zip(mine, shuffled, strict=True):
        items[index] = item


def pytest_collection_finish(session: pytest.Session) -> None:
    """Ask both services whether they are ready before the first test; if not, end the run at once."""
    if session.items and not session.config.option.collectonly:
        readiness.require_ready()


def pytest_runtest_logstart(nodeid: str) -> None:
    """Record the test that begins: a service that dies now ended while it ran."""
    if run := os.environ.get("STACK_RUN"):
        Path(run, "current-test").write_text(nodeid, encoding="utf-8")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers that the seed and the test's name repeat."""
    return random.Random(f"{request.config.stash[SEED]} {request.node.name}")


@pytest.fixture(scope="session")
def backend() -> Iterator[Service]:
    """The backend, asked directly."""
    with Service(url=shop.address("BACKEND_URL")) as service:
        yield service


@pytest.fixture(scope="session")
def gateway() -> Iterator[Service]:
    """The API gateway."""
    with Service(url=shop.address("GATEWAY_URL")) as service:
        yield service


@pytest.fixture(params=["backend", "gateway"])
def either(request: pytest.FixtureRequest) -> Service:
    """Each of the two services in turn."""
    service: Service = request.getfixturevalue(request.param)
    return service
