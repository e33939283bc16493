"""Rows as people read them (a table) or as programs do (JSON); durations and sizes in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from stack.display import terminal

Row = Mapping[str, Any]


def render(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, empty: str = "") -> str:
    """Return rows as JSON or as a table that fits the terminal; ``empty`` where there is no row."""
    if as_json:
        return json.dumps(list(rows), indent=1)
    if not rows and empty:
        return empty
    return _fitted_table(rows, columns) if terminal.is_terminal(sys.stdout) else table(rows, columns)


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return rows as plain lines with headings, each column as wide as its widest cell."""
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max([len(c), *(len(line[i]) for line in cells)]) for i, c in enumerate(columns)]
    lines = [[c.upper() for c in columns], *cells]
    return "\n".join(
        "  ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _fitted_table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return rows as a table of at most the terminal's width: what does not fit goes on in the next line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        grid.add_column(column.upper(), no_wrap=number == 0, overflow="fold")
    for row in rows:
        cells = [Text(terminal.plain(str(row.get(column, "")))) for column in columns]
        for cell, column in zip(cells, columns, strict=True):
            cell.stylize(terminal.state_style(cell.plain) if column in {"state", "health", "level"} else "")
        grid.add_row(*cells)
    console = Console()
    with console.capture() as capture:
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def age(seconds: float) -> str:
    """Return a duration in the largest unit that fits: 5s, 12m, 3h, 2d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def quantity(number: int, noun: str) -> str:
    """Return a number of things: 1 row, 2 rows."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_bytes(size: int) -> str:
    """Return a size in MiB, a smaller one in KiB."""
    return f"{size / (1 << 20):.0f} MiB" if size >= 1 << 20 else f"{size / (1 << 10):.0f} KiB"
