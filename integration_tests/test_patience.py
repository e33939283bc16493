"""Of waits that share one fate only the first in vain is long; so it is with questions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

import shop
from patience import Patience
from shop import AGAIN_S, TIMEOUT_S, NoAnswerError, Service, documents


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_after_one_wait_in_vain_the_next_ones_are_short_and_say_what_is_missing() -> None:
    time = Time()
    patience = Patience(long_s=60, again_s=3, clock=time.clock, sleep=time.sleep)
    with pytest.raises(AssertionError, match="not within 60 s: the event"):
        patience.wait_until(lambda: False, lambda: "the event")
    assert time.now_s == pytest.approx(60, abs=0.1)
    with pytest.raises(AssertionError, match="not within 3 s: the payment"):
        patience.wait_until(lambda: False, lambda: "the payment")
    assert time.now_s == pytest.approx(63, abs=0.2)


def test_what_is_done_is_not_waited_for() -> None:
    time = Time()
    Patience(clock=time.clock, sleep=time.sleep).wait_until(lambda: time.now_s > 1, lambda: "")
    assert time.now_s == pytest.approx(1, abs=0.1)


class Silence(requests.Session):
    """A connection over which no answer comes; it notes how long that was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float] = []

    def request(self, method: str, url: str, timeout: float = 0, **_: object) -> requests.Response:
        """Raise requests.Timeout."""
        self.waited_s.append(timeout)
        raise requests.Timeout(f"{method} {url}")


def test_what_did_not_answer_in_time_once_is_not_waited_for_as_long_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shop, "_too_slow", set())
    monkeypatch.setattr(shop, "timeouts", [])
    session = Silence()
    service = Service(url="http://silent", session=session)
    for path in ("orders?limit=1", "orders/17/cancel", "cart", "accounts/me", "products"):
        with pytest.raises(NoAnswerError):
            service.get(f"/api/v1/{path}")
    assert session.waited_s == [TIMEOUT_S, AGAIN_S, TIMEOUT_S, TIMEOUT_S, AGAIN_S]


def test_a_list_without_an_end_is_not_followed_for_ever() -> None:
    class FirstPage(requests.Response):
        """The page that every cursor leads to."""

        def json(self, **_: Any) -> Any:
            """Return the document."""
            return {"items": [], "next": "abc"}

    class Circle(Service):
        """A service whose every page is the first one."""

        def get(self, *_: Any, **__: Any) -> requests.Response:
            """Return the first page."""
            return FirstPage()

    with pytest.raises(AssertionError, match="/list has no end"):
        list(documents(Circle(url="http://circle"), "/list"))


def test_a_test_that_would_never_end_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import deadline\ndeadline.LIMIT_S = 0.05\nfrom deadline import pytest_runtest_call\n"
    )
    (tmp_path / "test_own.py").write_text("def test_a():\n    while True: pass\ndef test_b(): pass\n")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "SHOP_LONG": ""},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=60,
    )
    assert "this test has not ended within 0.05 s" in ended.stdout
    assert "1 failed, 1 passed" in ended.stdout
