from __future__ import annotations

import pytest

from stack.data import exchange
from stack.errors import ServiceFailed


class Sessions:
    """A server's cursor and clock: ``late`` sessions come just after the first ones were ended."""

    def __init__(self, *, late: int = 0, stuck: int = 0) -> None:
        self.now_s, self.open, self._late, self._stuck = 0.0, 3, late, stuck

    def mogrify(self, statement: str, values: tuple[object, ...]) -> bytes:
        return (statement % values).encode()

    def execute(self, statement: str) -> None:
        self._left = self.open
        if "pg_terminate_backend" in statement:
            self.open, self._late = self._late or self._stuck, 0

    def fetchone(self) -> tuple[int]:
        return (self._left,)

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def close(sessions: Sessions) -> None:
    exchange.close(sessions, "postgres", clock=sessions.clock, sleep=sessions.sleep)  # type: ignore[arg-type]


def test_a_session_that_comes_late_is_ended_at_the_next_look() -> None:
    sessions = Sessions(late=1)
    close(sessions)
    assert (sessions.open, sessions.now_s) == (0, pytest.approx(2 * exchange.POLL_S))


def test_sessions_that_do_not_end_are_counted() -> None:
    with pytest.raises(ServiceFailed, match=r"The sessions of postgres did not end within 10 s; 2 are left"):
        close(Sessions(stuck=2))
