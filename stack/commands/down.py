"""`inv down`"""

from __future__ import annotations

import time
from pathlib import Path

from stack.control import guardians, sweep
from stack.control.choice import Choice
from stack.display import messages, summary
from stack.engines import registry
from stack.records import state


def run(choice: Choice, *, volumes: bool) -> None:
    """End the stack and say what was kept; nothing up is not an error."""
    name = choice.resolve_name()
    kept = state.read(name)
    if kept is None:
        if volumes:
            _forget_data(name)
            messages.say(f"{name} was not up; its data is removed")
        else:
            messages.say(f"Nothing to end. {guardians.not_up(name)}")
        return
    began = time.monotonic()
    sweep.end(kept, volumes=volumes)
    summary.finish(Path(kept.run), outcome="ended")
    data = "its data is removed" if volumes or kept.ephemeral else "its data is kept"
    messages.say(f"{name} is down in {time.monotonic() - began:.1f} s; {data}")


def _forget_data(name: str) -> None:
    """Remove what a stack that is not up has kept, on whatever engine it was."""
    state.forget(name, volumes=True)
    for engine in registry.NAMES:
        if engine != "local" and registry.why_not(engine) is None:
            registry.remove_leftovers(engine, name, volumes=True)
