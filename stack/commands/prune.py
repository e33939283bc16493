"""`inv prune`, and the clean-up after killed stacks that every command does first."""

from __future__ import annotations

from itertools import chain

from stack.control import sweep
from stack.display import messages


def clean_up_killed_stacks() -> None:
    """Clean up after every stack whose guardian was killed, and print a sentence for each."""
    for sentence in sweep.sweep():
        messages.say(sentence)


def run(*, everything: bool) -> None:
    """Remove what ended stacks left; with ``everything`` end the running stacks and delete their data."""
    from stack.engines import registry
    from stack.records import leftovers, state

    if everything:
        for name in state.names():
            stack = state.read(name)
            if stack is not None:
                sweep.end(stack, volumes=True)
                messages.say(f"{name} is down; its data is deleted")
    sentences = 0
    for sentence in chain(leftovers.remove(data=everything), registry.remove_images()):
        messages.say(sentence)
        sentences += 1
    messages.say("Done." if sentences else "There was nothing to remove.")
