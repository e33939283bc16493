"""How far seeding is: a line that moves on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from stack.display.terminal import is_terminal

Advance = Callable[[int], None]
"""Takes the size of the database in bytes."""


@contextmanager
def show_progress(stream: TextIO, total: int) -> Iterator[Advance]:
    """Give a function that takes the database's size while ``total`` products and orders are stored."""
    if not is_terminal(stream):
        yield lambda size_bytes: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(f"seeding {total} products and orders", total=None)
        yield lambda size_bytes: progress.update(task, completed=size_bytes)
