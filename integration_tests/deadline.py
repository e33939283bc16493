"""A deadline for each test: one that would never end fails, and those after it still run."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from typing import Any

import pytest

LIMIT_S = 240.0
"""Many times what the slowest test takes on a busy machine; the long forms (SHOP_LONG=1) have none."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """Fail a test that has not ended after LIMIT_S."""
    earlier = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, 0 if os.environ.get("SHOP_LONG") else LIMIT_S)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


def _give_up(*_: object) -> None:
    raise AssertionError(f"this test has not ended within {LIMIT_S:g} s")
