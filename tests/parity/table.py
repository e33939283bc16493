"""The table of differences as Markdown, written between the marks of docs/engines.md.

``python -m parity.table`` writes it.
"""

from __future__ import annotations

from itertools import groupby
from typing import Final

from parity.cases import ALL, BY_NAME
from parity.differences import DIFFERENCES, Difference
from stack.system.directories import ROOT

PAGE: Final = ROOT / "docs" / "engines.md"
BEGIN, END = "<!-- begin: python -m parity.table -->", "<!-- end -->"


def rendered() -> str:
    """Return the tables: what differs, and all that was compared."""
    lines = ["### What differs, and why", ""]
    lines += [
        "| case | what is looked at | elsewhere | engine | there | why |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for _, group in groupby(DIFFERENCES, key=lambda row: (row.engine, row.case)):
        lines += [_row(row) for row in group]
    lines += ["", f"### What was compared: {len(ALL)} cases, {sum(len(c.expected) for c in ALL)} facts", ""]
    lines += ["| case | question | facts |", "| --- | --- | --- |"]
    lines += [f"| {case.name} | {case.question} | {len(case.expected)} |" for case in ALL]
    return "\n".join(lines)


def _row(row: Difference) -> str:
    expected = BY_NAME[row.case].expected[row.fact]
    cells = [row.case, row.fact, _code(expected), row.engine, _code(row.actual), row.reason]
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else "nothing"


def with_table(page: str) -> str:
    """Return the page with the tables between its marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{rendered()}\n\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
