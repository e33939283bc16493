"""Values of options: what they mean, and the sentence for those that mean nothing."""

from __future__ import annotations

import pytest

from stack.commands import options
from stack.errors import InvalidOption


@pytest.mark.parametrize(
    ("text", "value"), [("", None), ("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)]
)
def test_a_duration_is_a_number_with_a_unit(text: str, value: float | None) -> None:
    assert options.duration_s("--since", text) == value


@pytest.mark.parametrize("text", ["10", "m", "-3m", "1w", "ten m", "²s"])
def test_a_duration_without_number_or_unit_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidOption, match=f"--since '{text}' is not a duration") as caught:
        options.duration_s("--since", text)
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
