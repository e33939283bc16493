"""Values of options: what they mean, and the sentence for those that mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stack.commands import options
from stack.errors import InvalidOption

NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
LAST = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", ""),
        ("30s", "2026-02-01T11:59:30.000Z"),
        ("10m", "2026-02-01T11:50:00.000Z"),
        ("2h", "2026-02-01T10:00:00.000Z"),
        ("1d", "2026-01-31T12:00:00.000Z"),
        ("09:59:58.123", "2026-01-31T09:59:58.123Z"),
        ("23:00", "2026-01-30T23:00:00.000Z"),
        ("2026-01-31T12:30:59", "2026-01-31T12:30:59.000Z"),
        ("2026-01-31T12:30:59.123Z", "2026-01-31T12:30:59.123Z"),
        ("2026-01-31T12:30:59+02:00", "2026-01-31T10:30:59.000Z"),
    ],
)
def test_a_moment_is_a_duration_before_now_a_time_of_day_or_a_date(text: str, moment: str) -> None:
    assert options.moment("--since", text, now=NOW, last=LAST) == moment


@pytest.mark.parametrize(
    "text", ["10", "m", "-3m", "1w", "ten m", "²s", "yesterday", "25:00", "9" * 30 + "d"]
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidOption, match=f"--since '{text}' is not a time") as caught:
        options.moment("--since", text, now=NOW, last=LAST)
    assert "10m" in caught.value.hint


@pytest.mark.parametrize("text", ["banana", "", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="is not a number of seconds"):
        options.seconds("--timeout", text)


def test_a_timeout_may_have_a_fraction() -> None:
    assert options.seconds("--timeout", "0.5") == 0.5


@pytest.mark.parametrize("text", ["-1", "1.5", "many"])
def test_a_count_is_a_whole_number(text: str) -> None:
    with pytest.raises(InvalidOption, match="is not a whole number"):
        options.count("--tail", text)
    assert (options.count("--tail", ""), options.count("--tail", "20")) == (0, 20)


def test_a_command_is_split_as_a_shell_does() -> None:
    assert options.words("""psql -c 'select 1' "a b" """) == ["psql", "-c", "select 1", "a b"]


@pytest.mark.parametrize(("command", "problem"), [("it's", "no closing quotation"), ("  ", "is empty")])
def test_a_command_that_cannot_be_split_is_refused(command: str, problem: str) -> None:
    with pytest.raises(InvalidOption, match=problem):
        options.words(command)
