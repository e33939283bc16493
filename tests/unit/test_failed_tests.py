"""The report of failed integration tests: one line a cause, with what the services logged meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


def test_the_step_of_the_test_is_shown_where_a_helper_raised() -> None:
    step = "test_way.py:9: assert problem(refused)"
    text = failed_tests.report(
        [failed_test("a", steps=(step,), place="shop.py:3", message="assert 1\nhelper")], []
    )
    assert text.splitlines()[3:] == [f"    at {step}", "    shop.py:3: helper"]


def test_a_step_that_is_the_assertion_is_one_place() -> None:
    text = failed_tests.report([failed_test("a", steps=("test_x.py:3: assert 502 == 200",))], [])
    assert text.splitlines()[3:] == ["    at test_x.py:3: assert 502 == 200"]


@pytest.mark.parametrize(
    ("one", "other"), [("WJNKMTAKJN10Q0B6", "8X5HXDZY1BDTXS6X"), ("a-_Z" * 10 + "abc", "b" * 43)]
)
def test_orders_and_tokens_do_not_make_another_cause(one: str, other: str) -> None:
    messages = [f"assert '{each}' is None" for each in (one, other)]
    assert len(failed_tests.causes([failed_test("a", message=each) for each in messages])) == 1


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
        "backend |     ...",
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


def test_a_traceback_stands_below_the_first_of_the_errors_that_have_it() -> None:
    rows = [
        row(40, "backend", "error", f"no {path}", "mine", exception=TRACEBACK) for path in ("cart", "login")
    ]
    text = failed_tests.report([failed_test("a", answer=ANSWER, request_ids=("mine",))], rows)
    lines = [line.partition("|")[2].strip() for line in text.splitlines()[4:]]
    assert lines == [
        "error   no cart [mine]",
        "...",
        "File views, line 3",
        "b()",
        "ValueError: no such column",
        "error   no login [mine]",
    ]


def test_the_bodies_of_answers_do_not_make_another_cause() -> None:
    messages = [f'AssertionError: {{"number": "{name}"}}\nassert 200 == 201' for name in ("lamp", "chair")]
    (cause,) = failed_tests.causes([failed_test("a", message=each) for each in messages])
    assert cause.title == "assert 200 == 201"
    assert '{"number": "lamp"}' in failed_tests.report(cause.tests, [])


def test_the_same_assertion_at_another_place_is_another_cause() -> None:
    tests = [failed_test("a", place=f"test_x.py:{line}", message="assert 200 == 201") for line in (1, 2)]
    assert len(failed_tests.causes(tests)) == 2


def test_a_warning_about_the_request_of_another_test_is_not_shown() -> None:
    rows = [row(40, "gateway", "warning", "of another test", "other"), row(40, "worker", "warning", "mine")]
    lines = failed_tests.service_lines(failed_test("a", request_ids=("unknown",)), rows)
    assert lines == ["worker | warning mine"]


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
