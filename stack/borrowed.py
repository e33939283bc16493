"""A stack for the length of a block: what needs a running shop and is no test of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stack import commands, control, recorder, stacks
from stack.journal import Event
from stack.stacks import Choice
from stack.state import StackState


def _nothing(event: Event) -> None:
    """Show nothing."""


@contextmanager
def stack(
    choice: Choice, *, deadline_s: float = 120.0, show: Callable[[Event], None] = _nothing
) -> Iterator[StackState]:
    """Give an ephemeral stack that is up; it ends with the block, however that ends.

    Raises:
        StackError: it did not come up.
    """
    launched = control.launch(stacks.request(choice, ephemeral=True, deadline_s=deadline_s))
    outcome = "failed"
    try:
        stacks.wait_until_up(launched, show)
        yield stacks.found(launched.name)
        outcome = "passed"
    finally:
        launched.end()
        if not commands.ends_within(launched.process, control.END_LIMIT_S):
            launched.process.kill()
        recorder.finish(launched.run, outcome=outcome)
