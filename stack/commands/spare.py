"""Make the next spare database of a stack, in the background.

The stack's standby does it: when it starts, and when `inv reset-db` or what restores is done; the copy of it
that did the command goes on with the spare, and nobody waits for another one to begin. First it gives
a database that was restored its statistics. A reset that comes too early waits for it. What it says is in
``standby.log`` in the run's folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from stack.commands import data_access
from stack.control import guardians, standby
from stack.data import loading, reset
from stack.data.template import Recipe
from stack.display import messages
from stack.errors import StackError
from stack.records.state import StackState

WORD = "spare"
"""How the standby is asked for it; nobody types it."""

Due = list[Mapping[str, Any]]
"""The options of each spare that is to be made."""

_due: Due | None = None


def start(state: StackState, recipe: Recipe | None = None) -> None:
    """Start making the next spare of ``state`` and return at once; without a recipe, the usual one.

    Without a standby nothing is started: one makes a spare when it starts, and a reset can do without.
    """
    options = {"recipe": None if recipe is None else asdict(recipe)}
    if _due is None:
        standby.begin(state.name, WORD, options)
    else:
        _due.append(options)


@contextlib.contextmanager
def postponed() -> Iterator[Due]:
    """Give the spares that the block wants to be made: whoever runs it makes them afterwards."""
    global _due
    _due = []
    try:
        yield _due
    finally:
        _due = None


def make(stack: str, recipe: Mapping[str, Any] | None = None) -> None:
    """Make the spare; print what hinders it."""
    try:
        access = data_access.access_to(guardians.require_running(stack))
        with contextlib.suppress(StackError):  # the next command exchanges the database meanwhile
            loading.analyze(access.server)
        reset.drop_replaced(access.server, access.location(), say=messages.say)
        chosen = access.recipe() if recipe is None else Recipe(**recipe)  # a stack without a backend has none
        reset.make_ready(access.server, access.location(), chosen, access.prepare, say=messages.say)
    except StackError as problem:
        messages.print_error(problem)
