"""The report of failed integration tests: one line a cause, with what the services logged meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

from stack.display import failed_tests
from stack.records import failed_tests as records
from stack.records.failed_tests import FailedTest

ANSWER = "HTTP 502 Bad Gateway: the backend does not answer"
TRACEBACK = "Traceback\n  File lib\n    a()\n  File views, line 3\n    b()\nValueError: no such column"


def failed_test(name: str, **values: object) -> FailedTest:
    defaults = {"place": "test_x.py:3", "message": "assert 502 == 200", "started": 1000.0, "ended": 1001.0}
    return FailedTest(test=name, **(defaults | values))  # type: ignore[arg-type]


def row(
    second: int, service: str, level: str, message: str, request_id: str = "-", **more: str
) -> tuple[str, ...]:
    record = {"level": level, "message": message, "request_id": request_id, **more}
    return f"1970-01-01T00:16:{second:02}.000Z", service, json.dumps(record)


def test_tests_with_the_same_answer_of_a_service_are_one_cause() -> None:
    tests = [
        failed_test(f"test_{n}", answer=ANSWER, request=f"GET /{n}", message=f"assert {n}") for n in range(25)
    ]
    text = failed_tests.report([failed_test("test_other", message="assert 1 == 2"), *tests], [])
    lines = text.splitlines()
    assert lines[0] == "26 tests failed, for 2 causes:"
    assert lines[1] == f"* 25 tests: {ANSWER} (GET /0)"
    assert lines[2] == "    test_0, test_1, test_2 and 22 more"
    assert "* 1 test: assert 1 == 2" in lines


def test_a_refusal_that_was_answered_last_is_shown_below_the_assertion() -> None:
    refusal = "GET /api/v1/products/none: HTTP 404 Not Found: There is no product none."
    text = failed_tests.report([failed_test("a", message="assert 404 == 200", last_answer=refusal)], [])
    assert text.splitlines() == [
        "1 test failed, for 1 cause:",
        "* 1 test: assert 404 == 200",
        "    a",
        "    at test_x.py:3",
        f"    last answer: {refusal}",
    ]


def test_numbers_and_ids_do_not_make_another_cause() -> None:
    messages = ["order 17 of 3fa85f64-5717 is missing", "order 18 of 9c2b1a77-0001 is missing"]
    (cause,) = failed_tests.causes(
        [failed_test("a", message=messages[0]), failed_test("b", message=messages[1])]
    )
    assert len(cause.tests) == 2


def test_the_services_own_lines_are_joined_by_the_request_s_id() -> None:
    rows = [
        row(40, "backend", "error", "Internal Server Error", "mine", exception=TRACEBACK),
        row(40, "backend", "info", "GET / 500", "mine"),
        row(40, "backend", "error", "of another test", "other"),
    ]
    test = failed_test("a", answer="HTTP 500", request_ids=("mine",))
    assert failed_tests.service_lines(test, rows) == [
        "backend | error   Internal Server Error [mine]",
        "backend |   ...",
        "backend |     File views, line 3",
        "backend |       b()",
        "backend |   ValueError: no such column",
    ]


def test_without_an_id_all_warnings_of_the_test_s_time_are_shown() -> None:
    rows = [
        ("1970-01-01T00:16:39.000Z", "redis", "# WARNING before the test"),
        ("1970-01-01T00:16:40.500Z", "redis", "# WARNING Memory overcommit must be enabled"),
        ("1970-01-01T00:16:40.600Z", "redis", "Ready to accept connections"),
        ("1970-01-01T00:16:45.000Z", "redis", "# WARNING after the test"),
    ]
    lines = failed_tests.service_lines(failed_test("a", request_ids=("unknown",)), rows)
    assert lines == ["redis | # WARNING Memory overcommit must be enabled"]


def test_the_report_fits_the_last_screen_however_many_causes_there_are() -> None:
    rows = [row(40, "backend", "error", f"failure {'x' * n}") for n in range(200)]
    tests = [failed_test(f"test_{'y' * n}", message="assert " + "z" * n + "\nb\nc\nd") for n in range(1, 40)]
    lines = failed_tests.report(tests, rows).splitlines()
    assert len(lines) <= 48
    assert lines[-1].startswith("and 33 more causes")


def test_the_same_line_of_two_requests_is_shown_once() -> None:
    rows = [row(40, "backend", "error", "boom", identity) for identity in ("aaaaaaaa01", "aaaaaaaa02")]
    tests = [failed_test("a", answer=ANSWER), failed_test("b", answer=ANSWER)]
    assert failed_tests.report(tests, rows).count("boom") == 1


def test_a_record_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    line = json.dumps({"test": "a", "place": "p", "message": "m"})
    (tmp_path / records.FILE).write_text(f'{line}\n{{"test": "b", "pl')
    assert [test.test for test in records.read(tmp_path)] == ["a"]
    assert records.read(tmp_path / "none") == []
