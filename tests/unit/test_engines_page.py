"""The page about engines says what the parity suite holds true."""

from __future__ import annotations

import pytest

from parity import table
from parity.cases import BY_NAME
from parity.differences import DIFFERENCES, Difference


def test_the_page_has_the_tables_of_the_suite() -> None:
    page = table.PAGE.read_text(encoding="utf-8")
    assert page == table.with_table(page), "run `python -m parity.table`"


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: f"{row.engine}-{row.case}-{row.fact}")
def test_a_row_is_about_a_fact_of_a_case_and_differs_from_it(row: Difference) -> None:
    assert BY_NAME[row.case].expected[row.fact] != row.actual
    assert row.reason.endswith(".")


def test_no_fact_has_two_rows_for_one_engine() -> None:
    rows = [(row.engine, row.case, row.fact) for row in DIFFERENCES]
    assert len(rows) == len(set(rows))
