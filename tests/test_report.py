from __future__ import annotations

import io
from pathlib import Path

import pytest

from stack import report
from stack.errors import NotUp
from stack.journal import Event

RUN = Path("/runs/1")


def service(name: str, state: str, text: str = "", **values: str | float) -> Event:
    return Event(at=1.0, kind="service", service=name, state=state, text=text, **values)  # type: ignore[arg-type]


def test_the_first_cause_is_told_before_what_followed_with_its_evidence() -> None:
    events = [
        service("backend", "dependency failed", "postgres is not there"),
        service("postgres", "exited", "exited with code 1", seconds=0.5, hint="no space\nbye"),
    ]
    told = report.failure(events, RUN)
    assert "postgres failed: exited, exited with code 1 (0.5 s after its start)" in told
    assert "| no space" in told
    assert told.index("postgres failed") < told.index("then backend: dependency failed")
    assert "inv logs --service postgres" in told
    assert str(RUN) in told


def test_a_service_that_wrote_nothing_is_said_to_have_written_nothing() -> None:
    assert "postgres wrote nothing to its log" in report.failure([service("postgres", "exited")], RUN)


def test_control_codes_of_a_log_never_reach_the_terminal() -> None:
    assert report.plain("\x1b[31mred\x1b[0m\x07 \x1b[2Jend") == "red end"
    assert "\x1b" not in report.log_line("2026-01-31T12:00:00.123Z", "web", "\x1b[2Jgone")


def test_a_structured_line_is_read_as_a_sentence() -> None:
    line = '{"level": "INFO", "message": "GET / 200", "request_id": "abc", "duration_ms": 3}'
    assert report.readable(line) == "INFO    GET / 200 3 ms [abc]"


@pytest.mark.parametrize("line", ["plain words", "{not json", '{"no": "message"}', "{}"])
def test_any_other_line_is_shown_as_it_is(line: str) -> None:
    assert report.readable(line) == line


def test_an_excerpt_is_the_last_lines_and_says_how_many_there_were() -> None:
    rows = [("2026-01-31T12:00:00.123Z", "web", f"line {number}") for number in range(5)]
    shown = report.excerpt(rows, 2).splitlines()
    assert shown[0] == "(the last 2 of 5 lines)"
    assert [line.split("| ")[1] for line in shown[1:]] == ["line 3", "line 4"]


@pytest.mark.parametrize(("seconds", "words"), [(5, "5s"), (60, "1m"), (7199, "1h"), (86400 * 2, "2d")])
def test_an_age_is_in_the_largest_unit_that_fits(seconds: int, words: str) -> None:
    assert report.age(seconds) == words


def test_a_table_is_as_wide_as_its_widest_cell() -> None:
    rows = [{"name": "a", "state": "ready"}, {"name": "longer"}]
    assert report.table(rows, ["name", "state"]).splitlines() == ["NAME    STATE", "a       ready", "longer"]


def test_where_no_terminal_is_each_change_is_a_plain_line() -> None:
    stream = io.StringIO()
    progress = report.Progress(stream)
    progress.show(service("web", "ready", "HTTP 200"))
    progress.show(Event(at=1.0, kind="probe", service="web"))
    (line,) = stream.getvalue().splitlines()
    assert line.split()[1:] == ["web", "ready", "HTTP", "200"]
    assert "\x1b" not in line


def test_an_error_is_what_happened_and_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    report.error(NotUp("The stack is not up.", hint="Start it with `inv up`."))
    assert capsys.readouterr().err == "error: The stack is not up.\n       Start it with `inv up`.\n"
