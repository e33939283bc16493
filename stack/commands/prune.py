"""`inv prune`, and the clean-up after killed stacks that every command does first."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from stack.control import sweep
from stack.display import messages

if TYPE_CHECKING:
    from stack.records.state import StackState


def clean_up_killed_stacks() -> None:
    """Clean up after every stack whose guardian was killed, and print a sentence for each."""
    for sentence in sweep.sweep():
        messages.say(sentence)


def run(*, everything: bool, yes: bool) -> None:
    """Remove what ended stacks left; with ``everything`` end the running stacks and delete their data.

    Raises:
        NotDisposable: the guard refuses to delete the data of a stack; nothing was removed.
        NotConfirmed: who was asked does not want it deleted.
    """
    from stack.engines import registry
    from stack.records import folders, leftovers, state

    if everything:
        end_all([stack for name in folders.names() if (stack := state.read(name)) is not None], yes=yes)
    sentences = 0
    volumes = registry.remove_volumes(folders.names(), data=everything)
    for sentence in chain(leftovers.remove(data=everything), volumes, registry.remove_images()):
        messages.say(sentence)
        sentences += 1
    messages.say("Done." if sentences else "There was nothing to remove.")


def end_all(running: list[StackState], *, yes: bool) -> None:
    """End the running stacks and delete their data; where that of one may not be, none is touched."""
    from stack.commands import removal
    from stack.display import question

    removal.require_all_removable(running)
    names = ", ".join(stack.name for stack in running)
    ending = f"End {names}, and delete" if running else "Delete"
    question.require_consent(f"{ending} the data of all stacks of this machine?", yes=yes)
    for stack in running:
        sweep.end(stack, volumes=True)
        messages.say(f"{stack.name} is down; its data is deleted")
