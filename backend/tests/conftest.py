"""What all tests share: a printed seed for random data, a client, a small catalogue, a real Redis."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.test import Client

from tests.servers import RedisServer
from tests.shop import Person, variant_make

if TYPE_CHECKING:
    from tests.traces import Receiver

SEED = int(os.environ.get("TEST_SEED", random.SystemRandom().randrange(2**32)))

# What SQLite cannot show: rows that are locked one by one.
collect_ignore = [] if "TEST_DATABASE_URL" in os.environ else ["postgres"]


def pytest_report_header() -> str:
    """Return how to get the same random data again."""
    return f"random data: TEST_SEED={SEED}"


@pytest.fixture
def rng() -> random.Random:
    """Random data that a failing run can be repeated with."""
    return random.Random(SEED)


@pytest.fixture
def client() -> Client:
    """A client that gets 500 pages instead of exceptions only where a test asks for that."""
    return Client()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of spans."""
    from tests.traces import Receiver

    server = Receiver()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def catalogue(db) -> None:
    """The first sixty seeded products."""
    from operations.seed_catalogue import catalogue_seed

    catalogue_seed(products=60)


@pytest.fixture(scope="session")
def _redis_server(tmp_path_factory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(_redis_server, settings, monkeypatch) -> Iterator[RedisServer]:
    """An empty, running Redis that the shop uses; a test may kill it."""
    from catalog import cache
    from core import redis_client

    _redis_server.flush()
    settings.REDIS_URL = _redis_server.url
    monkeypatch.setattr(cache, "_pending", set())
    monkeypatch.setattr(cache, "_unavailable_until_s", 0.0)
    monkeypatch.setattr(cache, "RETRY_AFTER_S", 0.0)
    yield _redis_server
    redis_client.close_clients()
    if not _redis_server.is_running():
        _redis_server.start()


@pytest.fixture
def person(db) -> Iterator[Person]:
    """A person in front of five units of the variant A; at the end the invariants are checked."""
    variant_make("A", units=5)
    yield Person()
    call_command("check_invariants", verbosity=0)
