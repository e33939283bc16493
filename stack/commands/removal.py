"""The guard before the data of whole stacks is deleted: `inv down --volumes`, `inv prune --all`."""

from __future__ import annotations

import os

from stack.commands.data_access import Access
from stack.data import guard, postgres, stores
from stack.errors import NotUp, ServiceFailed
from stack.records import plans
from stack.records.state import StackState


def require_removable(state: StackState) -> None:
    """Check that the data of a stack that is up may be deleted.

    Where its Postgres does not answer, the volume is the stack's own by its name and its label.

    Raises:
        NotDisposable: the guard refuses.
    """
    guard.require_own_environment(state.name, os.environ)
    try:
        plan = plans.read(state.name)
    except NotUp:
        return  # it has not got so far that anything was stored
    guard.require_removable(plan, os.environ)
    access = Access(state=state, plan=plan, stores=stores.stores_of(plan))
    if access.stores.server is None:
        return
    try:
        location = access.location()
        with postgres.session(access.server) as cursor:
            guard.require_removable_database(cursor, plan, access.server, location)
    except (NotUp, ServiceFailed):
        return


def require_removable_remains(name: str) -> None:
    """Check that the data of a stack that is not up may be deleted.

    Raises:
        NotDisposable: this command runs in an environment whose data is never thrown away.
    """
    guard.require_own_environment(name, os.environ)
