"""`inv down`: stop and remove a stack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from stack.commands import removal
from stack.control import guardians, sweep
from stack.control.choice import Choice
from stack.display import messages, question, summary
from stack.engines import registry
from stack.errors import StackError
from stack.records import plans, run_record, runs, state


def run(choice: Choice, *, volumes: bool, yes: bool) -> None:
    """End the stack and say whether its data was kept; a stack that is not up is no error.

    Raises:
        NotDisposable: the guard refuses to delete its data; it keeps running.
        NotConfirmed: who was asked does not want it deleted.
    """
    name = choice.resolve_name()
    stack = state.read(name)
    if stack is None:
        if volumes:
            removal.require_removable_remains(name)
            question.require_consent(f"Delete the data of {name}?", yes=yes)
            kept = list(_delete_data(choice, name))
            messages.say(f"{name} was not up; its data is deleted")
            for sentence in kept:
                messages.say(sentence)
        else:
            messages.advise(f"Nothing to end. {guardians.not_up(name)}")
        return
    if volumes:
        removal.require_removable(stack)
        question.require_consent(f"End {name} and delete its data?", yes=yes)
    began = time.monotonic()
    keeps_data = not (volumes or stack.ephemeral) and _has_volumes(name)
    sweep.end(stack, volumes=volumes)
    summary.finish(Path(stack.run), outcome="ended")
    data = "its data is kept" if keeps_data else "its data is deleted"
    messages.say(f"{name} is down in {time.monotonic() - began:.1f} s; {data}")


def _has_volumes(name: str) -> bool:
    """Return whether a service of the stack has a named volume; other data ends with its service."""
    try:
        plan = plans.read(name)
    except (StackError, OSError):
        return True
    mounts = (mount for planned in plan.services.values() for mount in planned.service.mounts)
    return any(mount.type == "volume" and mount.source for mount in mounts)


def _delete_data(choice: Choice, name: str) -> Iterator[str]:
    """Delete the data of a stack that is not up; return a sentence for each engine that may keep some."""
    state.forget(name, volumes=True)
    used = {run_record.read(run).engine for run in runs.of_stack(choice.work_tree, name)}
    for engine in registry.NAMES:
        if engine == "local":
            continue
        reason = registry.why_not(engine)
        if reason is None:
            registry.remove_leftovers(engine, name, volumes=True)
        elif engine in used:
            yield f"What {engine} keeps of it stays: {reason}"
