"""How a stack comes up: a live table on a terminal, one plain line for each change elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from stack.display import terminal
from stack.display.terminal import is_terminal, plain
from stack.records.timeline import Event

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_FINAL = frozenset({"ready", "completed"})
_FRAMES_PER_SECOND = 8


class Progress:
    """Show how a stack comes up, until it is up, has failed, or the ``with`` block ends."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._began = time.time()
        self._last: dict[str, Event] = {}
        self._live = self._live_table() if is_terminal(self._stream) else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Show an event: a service's new state, or a note."""
        if event.kind == "service":
            self._last[event.service] = event
            if self._live is None:
                words = f"{event.service:<12} {event.state:<10} {terminal.first_line(event.text)}".rstrip()
                self._write(event, words)
        elif event.kind == "note":
            self._write(event, event.text)
        elif event.kind == "stack" and event.state in {"up", "failed"}:
            self._stop()

    def table(self) -> Table:
        """Return the table of all services: name, state, seconds in that state, detail."""
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(3):
            grid.add_column(no_wrap=True)
        grid.add_column(overflow="ellipsis")  # only this one gives way where the terminal is narrow
        for name, event in self._last.items():
            age = "" if event.state in _FINAL else f"{time.time() - event.at:5.1f}s"
            detail = Text(plain(terminal.first_line(event.text)), no_wrap=True, overflow="ellipsis")
            state = Text(event.state, style=terminal.state_style(event.state))
            grid.add_row(f"  {name}", state, f"{age:>6}", detail)
        return grid

    def _live_table(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        return Live(
            console=Console(file=self._stream),
            get_renderable=self.table,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def _write(self, event: Event, text: str) -> None:
        time_s = f"{event.at - self._began:7.2f}s"
        if self._live is not None:
            from rich.table import Table
            from rich.text import Text

            line = Table.grid(padding=(0, 2, 0, 0))
            line.add_row(time_s, Text(plain(text)))
            self._live.console.print(line)
        else:
            self._stream.write(f"{time_s}  {plain(text)}\n")
            self._stream.flush()
