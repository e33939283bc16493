"""The guard before the data of whole stacks is deleted: `inv down --volumes`, `inv prune --all`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from stack.commands import server_location
from stack.data import guard, mark, postgres, stores
from stack.data.stores import Server
from stack.errors import NotUp, ServiceFailed
from stack.plan.service_plan import Plan
from stack.records import plans, unmarked
from stack.records.state import StackState


def require_all_removable(running: Sequence[StackState]) -> None:
    """Check that the data of every stack of this home may be deleted, of those that are up and the others.

    Raises:
        NotDisposable: the guard refuses.
    """
    guard.require_removable_remains("every stack", None, os.environ)
    for name in sorted(set(unmarked.stacks()) - {state.name for state in running}):
        require_removable_remains(name)
    for state in running:
        require_removable(state)


def require_removable(state: StackState) -> None:
    """Check that the data of a stack that is up may be deleted.

    Raises:
        NotDisposable: the guard refuses.
    """
    try:
        plan = plans.read(state.name)
    except NotUp:  # it has not got so far that anything was stored
        require_removable_remains(state.name)
        return
    guard.require_removable(plan, os.environ)
    for server in stores.servers_of(plan):
        _require_removable_database(state, plan, server)


def _require_removable_database(state: StackState, plan: Plan, server: Server) -> None:
    """Ask a server; its answer is noted, and holds when the stack is down, too."""
    try:
        location = server_location.of_server(state, plan, server)
        with postgres.session(server) as cursor:
            has_mark = mark.has_mark(cursor, server)
            if has_mark is not None:
                unmarked.record(state.name, server.service, server.database, has_mark=has_mark)
            guard.require_removable_database(cursor, plan, server, location)
    except (NotUp, ServiceFailed):  # it does not answer
        require_removable_remains(state.name)


def require_removable_remains(name: str) -> None:
    """Check that the data of a stack whose server cannot be asked may be deleted.

    Raises:
        NotDisposable: the guard refuses.
    """
    guard.require_removable_remains(name, unmarked.unmarked_database(name), os.environ)
