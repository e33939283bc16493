"""``python -m stack.compose FILE ...``: load compose files and report the first error in them."""

from __future__ import annotations

import sys
from pathlib import Path

from stack import compose
from stack.errors import StackError


def main(arguments: list[str]) -> int:
    """Load the files and print their services, or the error; return the exit code."""
    try:
        stack = compose.load(*map(Path, arguments))
    except StackError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.code
    print(f"{stack.name}: {', '.join(stack.services)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
