"""The list of a stack's snapshots in the folder of its run, where its dashboard reads it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from stack.commands import data_access
from stack.commands.data_access import Access
from stack.data import postgres, snapshot
from stack.data.snapshot import Snapshot
from stack.errors import StackError
from stack.records import record_file
from stack.records.state import StackState

FILE = "snapshots.json"


def write(access: Access) -> list[Snapshot]:
    """Record the snapshots of a stack, and return them; a full disk costs the record only."""
    with postgres.session(access.server) as cursor:
        snapshots = snapshot.all_of(cursor, access.server)
    with contextlib.suppress(OSError):
        record_file.write(Path(access.state.run) / FILE, snapshots)
    return snapshots


def write_of(state: StackState) -> None:
    """Record the snapshots of a stack that has come up, where it has a Postgres that is its own."""
    with contextlib.suppress(StackError):
        write(data_access.access_to(state))
