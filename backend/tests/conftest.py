"""What all tests share: a printed seed for random data, a client that speaks JSON, a small catalogue."""

from __future__ import annotations

import os
import random

import pytest
from django.test import Client

SEED = int(os.environ.get("TEST_SEED", random.SystemRandom().randrange(2**32)))


def pytest_report_header() -> str:
    """Says how to get the same random data again."""
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
def catalogue(db) -> None:
    """The first sixty seeded products."""
    from catalog.seed import catalogue_seed

    catalogue_seed(products=60)
