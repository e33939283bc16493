"""How a stack comes up: a live table on a terminal, one plain line a change elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from stack.display import terminal
from stack.display.terminal import is_terminal, paint, plain
from stack.health.verdicts import BAD
from stack.records.timeline import Event

_COLOURS = {"ready": "32", "completed": "32", "starting": "33", "building": "36", "restarting": "33"}


class Progress:
    """Shows how a stack comes up: on a terminal a table that moves, elsewhere a line a change."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._began = time.time()
        self._live = is_terminal(self._stream)
        self._rows: dict[str, tuple[str, str, float]] = {}
        self._drawn = 0

    def show(self, event: Event) -> None:
        """Take in one event."""
        if event.kind == "service":
            self._rows[event.service] = (event.state, event.text, event.at)
            if not self._live:
                words = f"{event.service:<12} {event.state:<10} {terminal.first_line(event.text)}".rstrip()
                self._say(f"{event.at - self._began:7.2f}s  {words}")
        elif event.kind == "note":
            self._erase()
            self._say(f"{event.at - self._began:7.2f}s  {event.text}")
        self.draw()

    def draw(self) -> None:
        """Draw the table anew, with the time each service has been in its state."""
        if not self._live:
            return
        self._erase()
        now = time.time()
        for name, (state, text, since) in self._rows.items():
            colour = "31" if state in BAD else _COLOURS.get(state, "2")
            age = "" if state in {"ready", "completed"} else f"{now - since:5.1f}s"
            shown = paint(f"{state:<18}", colour, self._stream)
            self._stream.write(f"  {name:<14} {shown} {age:>7}  {plain(text)[:60]}\n")
        self._drawn = len(self._rows)
        self._stream.flush()

    def _erase(self) -> None:
        if self._live and self._drawn:
            self._stream.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def _say(self, text: str) -> None:
        self._stream.write(plain(text) + "\n")
        self._stream.flush()
