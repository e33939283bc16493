"""Of waits that share one fate only the first in vain is long."""

from __future__ import annotations

import pytest

from patience import Patience


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
