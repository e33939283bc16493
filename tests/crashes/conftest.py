"""One shop for all tests, with a product of its own for each; leftovers of the shop fail the run."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from crashes import shop as shops
from crashes.books import Books
from crashes.shop import Shop
from crashes.web import Web

SEED = os.environ.get("TEST_SEED") or str(random.SystemRandom().randrange(10**6))
LONG = os.environ.get("CRASHES_LONG") == "1"
COUNTED = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Set up the counter; SIGTERM raises KeyboardInterrupt, so that the servers are ended."""
    config.stash[COUNTED] = Counter()
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts and the seed; pytest -q leaves its header out."""
    terminalreporter.write_line(f"{'long' if LONG else 'short'} form, TEST_SEED={SEED}")
    for name, number in terminalreporter.config.stash[COUNTED].items():
        terminalreporter.write_line(f"{number:6} {name}")


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Counter[str]:
    """A counter by name; printed at the end."""
    return request.config.stash[COUNTED]


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """A random generator, seeded by TEST_SEED and the test's name."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="session")
def running_shop() -> Iterator[tuple[Shop, Books]]:
    with shops.running_shop() as pair:
        yield pair


@pytest.fixture
def shop(running_shop: tuple[Shop, Books]) -> Shop:
    running_shop[0].reached_places()
    return running_shop[0]


@pytest.fixture
def books(running_shop: tuple[Shop, Books]) -> Books:
    return running_shop[1]


@pytest.fixture
def sku(books: Books) -> str:
    """A product that no other test sells."""
    return books.add_product()


@pytest.fixture(scope="session")
def plain(running_shop: tuple[Shop, Books]) -> Web:
    """Gunicorn as shipped, with the same Postgres and Redis."""
    running_shop[0].plain.open()
    return running_shop[0].plain


@pytest.fixture(scope="module")
def worker(running_shop: tuple[Shop, Books]) -> Iterator[None]:
    """Run the shop's worker process during the module."""
    running_shop[0].start_worker()
    yield
    running_shop[0].worker.end()
