"""How far a dump or a restore is: a line that moves on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stack.display.tables import format_bytes
from stack.display.terminal import is_terminal


@contextmanager
def show_progress() -> Iterator[Callable[[str, int], None]]:
    """Give a function that takes what is being done and how many bytes that has moved so far."""
    if not is_terminal(sys.stdout):
        yield lambda what, size_bytes: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description} {task.fields[size]}")
    columns = (SpinnerColumn(), words, TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("", total=None, size="")

        def show(what: str, size_bytes: int) -> None:
            progress.update(task, description=what, size=format_bytes(size_bytes))

        yield show
