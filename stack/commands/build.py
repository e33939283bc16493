"""`inv build`"""

from __future__ import annotations

from pathlib import Path

from stack import compose
from stack.control.choice import Choice
from stack.display import messages
from stack.engines import registry


def run(choice: Choice, *, no_cache: bool) -> None:
    """Make what the stack's services are run from."""
    from stack.engines import build

    engine = registry.choose(choice.engine)
    loaded = compose.load(*map(Path, choice.files()), env_file=Path(choice.env_file()))
    build.build(loaded, engine, no_cache=no_cache, say=messages.say)
