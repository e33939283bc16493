"""Which git branch a stack's data is of: `inv up` on another branch says where that branch's data is."""

from __future__ import annotations

import time
from pathlib import Path

from stack.commands import data_access
from stack.data import guard, mark, postgres, snapshot
from stack.display import tables
from stack.errors import StackError
from stack.records.state import StackState
from stack.system import programs


def current_branch(work_tree: Path) -> str:
    """Return the git branch of a work tree; nothing where it is on none."""
    words = ["git", "-C", str(work_tree), "branch", "--show-current"]
    return programs.run(words, check=False, timeout_s=10).stdout.strip()


def offer(state: StackState) -> str | None:
    """Return what to type for the data of the present branch, where there is any and other data is in use.

    The branch is written into the mark of the database in use, so that the offer is made once.
    """
    try:
        branch = current_branch(Path(state.work_tree))
        return _offer(state, branch) if branch else None
    except StackError:  # no git, no Postgres, no data of ours: nothing to offer
        return None


def _offer(state: StackState, branch: str) -> str | None:
    access = data_access.access_to(state)
    server = access.server
    with postgres.session(server) as cursor:
        identity = guard.require_disposable(cursor, server, access.location())
        assert identity.mark is not None
        before = identity.mark.notes.get("branch")
        if before == branch:
            return None
        mark.write(cursor, server.database, stack=server.stack, kind="live", notes={"branch": branch})
        name = snapshot.name_of_branch(branch)
        found = [each for each in snapshot.all_of(cursor, server) if each.name == name]
    if not found:
        return None
    age = tables.age(time.time() - found[0].created)
    return f"the branch {branch} has data of its own, {age} old: `inv snapshot restore --branch`"
