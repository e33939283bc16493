"""`inv build`: build what a stack's services run from."""

from __future__ import annotations

from pathlib import Path

from stack import compose
from stack.control.choice import Choice
from stack.display import messages
from stack.engines import registry


def run(choice: Choice, *, no_cache: bool) -> None:
    """Build the images or, on the local engine, the Python environments of every service."""
    from stack.engines import build

    engine = registry.choose(choice.engine)
    stack = compose.load(*map(Path, choice.files()), env_file=Path(choice.env_file()))
    build.build(stack, engine, no_cache=no_cache, say=messages.say)
