"""One shop for all tests, with goods of its own for each; whatever is left of it fails the run."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Generator, Iterator

import pytest

from crashes import shop as shops
from crashes.books import Books
from crashes.shop import Shop
from crashes.web import Web

SEED = os.environ.get("TEST_SEED") or str(random.SystemRandom().randrange(10**6))
LONG = os.environ.get("CRASHES_LONG") == "1"
COUNTED = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Count, and end in order when asked to end: the servers are ours to end."""
    config.stash[COUNTED] = Counter()
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was done, and what one needs to repeat it; a quiet pytest leaves its header out."""
    terminalreporter.write_line(f"{'long' if LONG else 'short'} form, TEST_SEED={SEED}")
    for name, number in terminalreporter.config.stash[COUNTED].items():
        terminalreporter.write_line(f"{number:6} {name}")


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Counter[str]:
    """What was done how often; shown at the end."""
    return request.config.stash[COUNTED]


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Chance that the seed and the test's own name repeat."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="session")
def opened() -> Iterator[tuple[Shop, Books]]:
    with shops.opened() as pair:
        yield pair


@pytest.fixture
def shop(opened: tuple[Shop, Books]) -> Shop:
    opened[0].noted()
    return opened[0]


@pytest.fixture
def books(opened: tuple[Shop, Books]) -> Books:
    return opened[1]


@pytest.fixture
def sku(books: Books) -> str:
    """Something to sell that no other test sells."""
    return books.shelve()


@pytest.fixture(scope="session")
def plain(opened: tuple[Shop, Books]) -> Web:
    """Gunicorn as it is shipped, before the same stores."""
    opened[0].plain.open()
    return opened[0].plain


@pytest.fixture(scope="module")
def worker(opened: tuple[Shop, Books]) -> Iterator[None]:
    """The shop's worker process is at work."""
    opened[0].worker_starts()
    yield
    opened[0].worker.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the processes said, where a test failed."""
    report = yield
    pair = getattr(item, "funcargs", {}).get("opened")
    if report.failed and pair is not None:
        for program in (pair[0].web.program, pair[0].plain.program, pair[0].worker):
            report.sections.append(("shop", program.tail()))
    return report
