"""`inv prune`"""

from __future__ import annotations

from stack.control import sweep
from stack.display import messages
from stack.engines import registry
from stack.records import state


def run(*, everything: bool) -> None:
    """Remove what ended stacks left; with ``everything`` end the living ones too, data included."""
    if everything:
        for name in state.names():
            kept = state.read(name)
            if kept is not None:
                sweep.end(kept, volumes=True)
                messages.say(f"{name} is ended, its data removed")
    from stack.records import leftovers

    for sentence in (*leftovers.remove(data=everything), *registry.remove_images()):
        messages.say(sentence)
    messages.say("nothing of ended stacks is left")
