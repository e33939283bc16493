"""`inv down`: stop and remove a stack."""

from __future__ import annotations

import time
from pathlib import Path

from stack.control import guardians, sweep
from stack.control.choice import Choice
from stack.display import messages, summary
from stack.engines import registry
from stack.records import state


def run(choice: Choice, *, volumes: bool) -> None:
    """End the stack and say whether its data was kept; a stack that is not up is no error."""
    name = choice.resolve_name()
    stack = state.read(name)
    if stack is None:
        if volumes:
            _delete_data(name)
            messages.say(f"{name} was not up; its data is deleted")
        else:
            messages.say(f"Nothing to end. {guardians.not_up(name)}")
        return
    began = time.monotonic()
    sweep.end(stack, volumes=volumes)
    summary.finish(Path(stack.run), outcome="ended")
    data = "its data is deleted" if volumes or stack.ephemeral else "its data is kept"
    messages.say(f"{name} is down in {time.monotonic() - began:.1f} s; {data}")


def _delete_data(name: str) -> None:
    """Delete the data of a stack that is not up, on every engine that is available."""
    state.forget(name, volumes=True)
    for engine in registry.NAMES:
        if engine != "local" and registry.why_not(engine) is None:
            registry.remove_leftovers(engine, name, volumes=True)
