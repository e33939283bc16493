"""Messages on the terminal: a sentence, or an error with its hint."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from stack.display.terminal import paint, plain
from stack.display.typed_commands import complete
from stack.errors import StackError

FLUSH_S = 0.05
"""A line waits so long for others at the most, where others come."""


def say(text: str = "") -> None:
    """Print a sentence, with the end of its line in one write: Ctrl-C never cuts a line in two."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def advise(text: str) -> None:
    """Print a sentence that says what to type, with the options of this command."""
    say(complete(text))


def note(text: str) -> None:
    """Print a sentence beside the output: it is no part of what another program reads."""
    print(text, file=sys.stderr, flush=True)


def say_lines(lines: Iterable[str]) -> int:
    """Print many lines as they come, several in one write where they come fast; return how many."""
    written_s, count = 0.0, 0
    for line in lines:
        count += 1
        sys.stdout.write(line + "\n")
        if (now_s := time.monotonic()) - written_s > FLUSH_S:
            sys.stdout.flush()
            written_s = now_s
    sys.stdout.flush()
    return count


def print_error(error: StackError) -> None:
    """Print an error and, below it, its hint."""
    print(paint("error: ", "31", sys.stderr) + plain(error.message), file=sys.stderr)
    if error.hint:
        print(f"       {complete(error.hint)}", file=sys.stderr, flush=True)
