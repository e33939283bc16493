"""The table of protections is as old as the code: the lines that it cuts are there, and so are its tests."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from unprotected.__main__ import by_cuts
from unprotected.projects import REPOSITORY
from unprotected.protection import ROOT, Cut, Protection
from unprotected.table import SUITES, protections
from unprotected.verdict import cases, judge

TABLE = protections()
ROWS = pytest.mark.parametrize("row", TABLE, ids=[f"{row.function}-{row.description}" for row in TABLE])


@ROWS
def test_what_a_row_cuts_stands_once_in_its_file(row: Protection) -> None:
    assert row.cuts
    for cut in row.cuts:
        assert (ROOT / cut.file).read_text(encoding="utf-8").count(cut.old) == 1, cut
        assert cut.new != cut.old


@ROWS
def test_a_row_names_cases_and_tests_that_its_module_has(row: Protection) -> None:
    text = (ROOT / row.file).read_text(encoding="utf-8")
    for name in (row.function, *row.after):
        assert re.search(rf"^def {name}\(", text, re.MULTILINE)


def test_every_suite_has_rows() -> None:
    assert {row.suite for row in TABLE} == set(SUITES)


def test_rows_with_the_same_cuts_are_run_together() -> None:
    first, second = make_row("a"), make_row("b")
    assert by_cuts([first, second]) == {(REPOSITORY, first.cuts): [first, second]}


def test_a_test_of_a_service_is_run_in_its_own_folder() -> None:
    first, second = make_row("a"), make_row("a", file="backend/tests/test_made_up.py")
    assert [(row.suite, row.project.folder, row.node_ids) for row in (first, second)] == [
        ("faults", ".", ("tests/faults/test_made_up.py::a",)),
        ("backend", "backend", ("tests/test_made_up.py::a",)),
    ]
    assert len(by_cuts([first, second])) == 2


def make_row(
    function: str, *case_ids: str, any_case: bool = False, file: str = "tests/faults/test_made_up.py"
) -> Protection:
    return Protection(
        description="a check", cuts=(Cut("file", "old"),), file=file,
        function=function, cases=case_ids, any_case=any_case, after=(), engine="local",
    )  # fmt: skip


def report(**messages: str) -> ET.Element:
    """Return a report of pytest's: test name -> first line of its failure, empty where it passed."""
    suite = ET.Element("testsuite")
    for name, message in messages.items():
        case = ET.SubElement(suite, "testcase", name=name)
        if message:
            ET.SubElement(case, "failure", message=message)
    return suite


def test_a_test_that_fails_by_an_assertion_is_red() -> None:
    assert judge(make_row("a"), cases(report(a="assert 1 == 2", b=""))).red


def test_a_test_that_passes_is_not_red() -> None:
    assert not judge(make_row("a"), cases(report(a="", b="assert 1 == 2"))).red


def test_a_test_that_breaks_for_another_reason_is_not_red() -> None:
    assert not judge(make_row("a"), cases(report(a="ImportError: no module"))).red


def test_a_test_that_was_not_run_is_not_red() -> None:
    assert not judge(make_row("a"), cases(report(b="assert 1 == 2"))).red


def test_every_named_case_has_to_fail() -> None:
    ran = cases(report(**{"a[x]": "assert 1 == 2", "a[y]": "", "a[z]": ""}))
    assert judge(make_row("a", "x"), ran).red
    assert not judge(make_row("a", "x", "y"), ran).red
    assert not judge(make_row("a", "x", "w"), ran).red
    assert not judge(make_row("a"), ran).red
    assert judge(make_row("a", any_case=True), ran).red
