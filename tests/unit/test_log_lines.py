"""How records of logs are shown: as sentences, each line with its service, and never too many."""

from __future__ import annotations

import json

import pytest

from stack.display import log_lines, terminal

STAMP = "2026-01-31T12:00:00.123Z"
TRACEBACK = "Traceback:\n  File a\n    b()\n  File c, line 1\n    import d\nModuleNotFoundError: d"
NESTED = '{"a":' * 3_000 + "1" + "}" * 3_000
CRASH = json.dumps({"level": "error", "message": "Exception in worker process", "exception": TRACEBACK})


def test_control_codes_of_a_log_never_reach_the_terminal() -> None:
    assert terminal.plain("\x1b[31mred\x1b[0m\x07 \x1b[2Jend") == "red end"
    assert "\x1b" not in log_lines.format_entry("2026-01-31T12:00:00.123Z", "web", "\x1b[2Jgone")


def test_a_structured_line_is_read_as_a_sentence() -> None:
    line = '{"level": "INFO", "message": "GET / 200", "request_id": "abc", "duration_ms": 3}'
    assert log_lines.readable(line) == "INFO    GET / 200 3 ms [abc]"


def test_a_structured_line_may_have_anything_in_the_place_of_its_words() -> None:
    line = '{"level": 30, "message": {"a": 1}, "request_id": {"b": 2}, "exception": ["c"]}'
    assert log_lines.readable(line) == "30      {'a': 1} [{'b': 2}]\n['c']"


@pytest.mark.parametrize("line", ["plain words", "{not json", '{"no": "message"}', "{}", NESTED])
def test_any_other_line_is_shown_as_it_is(line: str) -> None:
    assert log_lines.readable(line) == line


def test_an_excerpt_is_the_last_lines_and_says_how_many_there_were() -> None:
    rows = [("2026-01-31T12:00:00.123Z", "web", f"line {number}") for number in range(5)]
    shown = log_lines.excerpt(rows, 2).splitlines()
    assert shown[0] == "(the last 2 lines; those before them are left out)"
    assert [line.split("| ")[1] for line in shown[1:]] == ["line 3", "line 4"]


def test_a_traceback_stands_below_its_sentence_with_the_service_before_each_line() -> None:
    first, *rest = log_lines.format_entry(STAMP, "web", CRASH).splitlines()
    assert first == "12:00:00.123 web          | error   Exception in worker process"
    assert [line.partition(" | ")[2] for line in rest] == TRACEBACK.splitlines()
    assert {line.split("|")[0].strip() for line in rest} == {"web"}


def test_an_excerpt_counts_the_lines_that_are_printed() -> None:
    shown = log_lines.excerpt([(STAMP, "web", "before"), (STAMP, "web", CRASH)], 3).splitlines()
    assert shown[0] == "(the last 3 lines; those before them are left out)"
    assert shown[1].endswith("File c, line 1")
    assert len(shown) == 4


def test_of_a_traceback_the_end_is_the_evidence() -> None:
    found = log_lines.evidence(CRASH)
    assert found[0].endswith("Exception in worker process")
    assert found[1:] == ["  ...", "  File c, line 1", "    import d", "ModuleNotFoundError: d"]


def test_of_a_traceback_the_frame_outside_of_libraries_is_shown_without_its_markers() -> None:
    lines = [
        "error   Internal Server Error",
        '  File "/cache/lib/python3.13/site-packages/ninja/operation.py", line 1, in run',
        "    view()",
        '  File "/app/orders/services.py", line 42, in order_place',
        "    order.save(tax)",
        "    ~~~~~~~~~~^^^^^",
        '  File "/cache/lib/python3.13/site-packages/django/utils.py", line 105, in execute',
        "    return execute(sql)",
        "           ^^^^^^^^^^^^",
        "django.db.utils.OperationalError: no such column: tax",
        "DETAIL: more words",
    ]
    assert log_lines.shortened(lines) == [lines[0], "  ...", lines[3], lines[4], lines[9]]


def test_a_traceback_may_have_an_empty_line_behind_its_last_frame() -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File "a.py", line 1',
        "    run()",
        '  File "<string>"',
        "",
        "E: x",
    ]
    assert log_lines.shortened(lines)[-1] == "E: x"


def test_of_lines_without_frames_the_ends_are_shown() -> None:
    assert log_lines.shortened(list("abcdefg")) == ["a", "  ...", "e", "f", "g"]


@pytest.mark.parametrize(
    ("line", "identity"),
    [('{"request_id": "abc"}', "abc"), ('{"request_id": "-"}', ""), ("{}", ""), ("{no", ""), ("words", "")],
)
def test_the_request_of_a_line_is_known_by_its_id(line: str, identity: str) -> None:
    assert log_lines.request_id(line) == identity


@pytest.mark.parametrize("line", ["short", "x" * 300])
def test_a_single_line_is_its_own_evidence_and_never_endless(line: str) -> None:
    assert log_lines.evidence(line) == [line[:200]]
