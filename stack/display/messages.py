"""One sentence to a person: what happened, or an error with its way out."""

from __future__ import annotations

import sys

from stack.display.terminal import paint, plain
from stack.errors import StackError


def say(text: str = "") -> None:
    """Print a sentence."""
    print(text, flush=True)


def print_error(problem: StackError) -> None:
    """Print what happened and the way out."""
    print(paint("error: ", "31", sys.stderr) + plain(problem.message), file=sys.stderr)
    if problem.hint:
        print(f"       {problem.hint}", file=sys.stderr, flush=True)
