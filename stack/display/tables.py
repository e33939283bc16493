"""Rows as people read them (a table) or as programs do (JSON); durations and sizes in words."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from stack.display import terminal

Row = Mapping[str, Any]
WORD = 20
"""A word of more characters may be broken into lines."""
GAP = 2
"""Characters between two columns."""


def render(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, empty: str = "") -> str:
    """Return rows as JSON or as a table that fits the terminal; ``empty`` where there is no row."""
    if as_json:
        return json.dumps(list(rows), indent=1)
    if not rows and empty:
        return empty
    if not terminal.is_terminal(sys.stdout):
        return table(rows, columns)
    least = _least_widths(rows, columns)
    if sum(least) + GAP * len(columns) > shutil.get_terminal_size().columns:
        return records(rows, columns)
    return _fitted_table(rows, columns, least)


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return rows as plain lines with headings, each column as wide as its widest cell."""
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = _widths(rows, columns)
    lines = [[c.upper() for c in columns], *cells]
    return "\n".join(
        "  ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def records(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return rows below each other, a line for each value: for a terminal that no table fits into."""
    first, *others = columns
    width = max(map(len, others))
    lines = []
    for row in rows:
        lines.append(terminal.plain(str(row.get(first, ""))))
        values = ((column, terminal.plain(str(row.get(column, "")))) for column in others)
        lines += [f"  {column.replace('_', ' ').ljust(width)}  {value}" for column, value in values if value]
    return "\n".join(lines)


def _widths(rows: Sequence[Row], columns: Sequence[str]) -> list[int]:
    return [max([len(each), *(len(str(row.get(each, ""))) for row in rows)]) for each in columns]


def _least_widths(rows: Sequence[Row], columns: Sequence[str]) -> list[int]:
    """Return how narrow each column may be: as its longest word, the first one as its longest cell."""
    first, *others = columns
    words = [[each, *(word for row in rows for word in str(row.get(each, "")).split())] for each in others]
    return [*_widths(rows, [first]), *(min(max(map(len, each)), WORD) for each in words)]


def _fitted_table(rows: Sequence[Row], columns: Sequence[str], least: Sequence[int]) -> str:
    """Return rows as a table of at most the terminal's width: what does not fit goes on in the next line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    for number, (column, width) in enumerate(zip(columns, least, strict=True)):
        grid.add_column(column.upper(), no_wrap=number == 0, overflow="fold", min_width=width)
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
