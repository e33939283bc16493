"""``python -m tools.unenforced_table``: writes a table of docs/engines.md from ``stack.plan.unenforced``."""

from __future__ import annotations

from stack.plan import unenforced
from stack.system.directories import ROOT

PAGE = ROOT / "docs" / "engines.md"
BEGIN = "<!-- begin: python -m tools.unenforced_table -->"
END = "<!-- end: python -m tools.unenforced_table -->"


def with_table(page: str) -> str:
    """Return the page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{unenforced.table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
