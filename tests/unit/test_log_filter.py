"""Which lines are wanted: patterns, levels, ids of requests and traces."""

from __future__ import annotations

import json

import pytest

from stack.display import log_filter
from stack.errors import InvalidOption


def line(message: str = "GET / 200", **values: object) -> str:
    return json.dumps({"level": "info", "message": message, "request_id": "-", **values})


@pytest.mark.parametrize(
    ("text", "level"),
    [
        (line(level="error"), "error"),
        (line(level="WARNING"), "warning"),
        (line(level="fatal"), "critical"),
        (line(level="notice"), "info"),
        (line(level=40), "info"),
        (line('say "level": "error"'), "info"),
        ("2026 [7] ERROR:  syntax error", "error"),
        ("ValueError: no", "error"),
        ("# WARNING Memory overcommit", "warning"),
        ("ts=12:00 caller=main.go:1 level=warn msg=slow", "warning"),
        ('level=error msg="no such table"', "error"),
        ("level=info msg=warned", "info"),
        ("Ready to accept connections", "info"),
        ("{ no JSON", "info"),
        ('{"a":' * 3_000 + "1" + "}" * 3_000, "info"),
        ("", "info"),
    ],
)
def test_every_line_has_a_level(text: str, level: str) -> None:
    assert log_filter.level(text) == level


def test_a_level_admits_those_above_it() -> None:
    chosen = log_filter.make(least="WARNING")
    shown = [each for each in log_filter.LEVELS if chosen.admits(line(level=each))]
    assert shown == ["warning", "error", "critical"]


@pytest.mark.parametrize(("name", "least"), [("warn", "warning"), ("FATAL", "critical")])
def test_a_level_may_be_named_as_a_service_names_it(name: str, least: str) -> None:
    assert log_filter.make(least=name) == log_filter.make(least=least)


@pytest.mark.parametrize(
    ("grep", "admitted"),
    [
        ("get /", True),
        ("GET /", True),
        ("Get /", False),
        (r"\b200\b", True),
        ("timeout|200", True),
        ("^x", False),
    ],
)
def test_a_pattern_without_capitals_ignores_case(grep: str, admitted: bool) -> None:
    assert log_filter.make(grep=grep).admits(line()) is admitted


def test_a_pattern_is_found_as_the_line_is_written_and_as_it_is_shown() -> None:
    assert log_filter.make(grep='"level": "info"').admits(line())
    assert log_filter.make(grep="größe").admits(line("Größe 7"))
    assert log_filter.make(grep='say "yes"').admits(line('say "yes"'))


@pytest.mark.parametrize(
    ("grep", "text"),
    [
        ("needle", "a NEEDLE in it"),
        ("Needle", "a Needle in it"),
        ("kelvin", "\u212aelvin"),
        ("name", r'{"message": "\u006eame"}'),
        ("größe", "GRÖSSE größe"),
        ("größe", line("Größe 7")),
        ("need.e", "a needle"),
        ("^a", "a needle"),
        ('say "yes"', line('say "yes"')),
    ],
)
def test_a_block_with_a_wanted_line_is_never_left_out(grep: str, text: str) -> None:
    chosen = log_filter.make(grep=grep)
    assert chosen.admits(text)
    assert chosen.may_have(f"{line()}\n{text}\n{line()}".encode())


def test_a_block_without_the_text_or_the_id_is_left_out() -> None:
    block = f"{line()}\n{line('a Needle')}".encode()
    assert not log_filter.make(grep="thread").may_have(block)
    assert not log_filter.make(grep="NEEDLE").may_have(block)
    assert not log_filter.make(request_id="abc-1").may_have(block)
    assert not log_filter.make(trace_id="0af7").may_have(block)
    assert log_filter.make().may_have(block)


def test_an_id_is_that_of_the_line_and_no_part_of_another() -> None:
    chosen = log_filter.make(request_id="abc-1")
    assert chosen.admits(line(request_id="abc-1"))
    assert not chosen.admits(line(request_id="abc-12"))
    assert not chosen.admits(line("about abc-1", request_id="other"))
    assert chosen.admits("plain line of abc-1, done")
    assert not chosen.admits("plain line of abc-12")
    assert log_filter.make(trace_id="ff").admits(line(trace_id="ff"))
    assert not log_filter.make(trace_id="ff").admits(line(request_id="ff"))
    assert not log_filter.make(trace_id="ff", request_id="a").admits(line(trace_id="ff"))


def test_options_that_mean_nothing_are_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidOption, match="--level 'loud' is no level") as caught:
        log_filter.make(least="loud")
    assert "Levels: debug, info, warning, error, critical." in caught.value.hint
    with pytest.raises(InvalidOption, match="is no regular expression: missing"):
        log_filter.make(grep="(")
