"""Messages on the terminal: a sentence, or an error with its hint."""

from __future__ import annotations

import sys

from stack.display.terminal import paint, plain
from stack.errors import StackError


def say(text: str = "") -> None:
    """Print a sentence, with the end of its line in one write: Ctrl-C never cuts a line in two."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_error(error: StackError) -> None:
    """Print an error and, below it, its hint."""
    print(paint("error: ", "31", sys.stderr) + plain(error.message), file=sys.stderr)
    if error.hint:
        print(f"       {error.hint}", file=sys.stderr, flush=True)
