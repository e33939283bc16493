"""The table of protections is as old as the code: what it takes out is there, and so are its tests."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from faults.protection import Protection
from faults.unprotected import ROOT, TABLE

BY_FAULT = pytest.mark.parametrize("row", TABLE, ids=[row.fault for row in TABLE])


@BY_FAULT
def test_what_a_row_takes_out_stands_once_in_its_file(row: Protection) -> None:
    for cut in row.cuts:
        assert (ROOT / cut.file).read_text(encoding="utf-8").count(cut.taken) == 1, cut
        assert cut.put != cut.taken


@BY_FAULT
def test_a_row_names_tests_that_are_there(row: Protection) -> None:
    assert row.tests
    for test in row.tests:
        file, _, name = test.partition("::")
        function = re.escape(name.partition("[")[0])
        assert re.search(rf"^def {function}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_a_fault_has_one_row() -> None:
    assert [fault for fault, count in Counter(row.fault for row in TABLE).items() if count > 1] == []
