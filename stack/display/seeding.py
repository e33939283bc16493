"""How far seeding is: a line that moves on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from stack.display.tables import format_bytes
from stack.display.terminal import is_terminal

Advance = Callable[[int], None]
"""Takes the bytes that the database has grown by."""


@contextmanager
def show_progress(stream: TextIO, total: int) -> Iterator[Advance]:
    """Give a function that takes the database's growth while ``total`` products and orders are stored."""
    if not is_terminal(stream):
        yield lambda size_bytes: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    words, size = TextColumn("{task.description}"), TextColumn("{task.fields[size]}")
    with Progress(words, BarColumn(), size, TimeElapsedColumn(), transient=True) as progress:
        task = progress.add_task(f"seeding {total} products and orders", total=None, size="")
        yield lambda size_bytes: progress.update(task, size=format_bytes(size_bytes))
