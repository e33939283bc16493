"""The list of a stack's snapshots in the folder of its run, where its dashboard reads it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from stack.commands import data_access
from stack.data import postgres, snapshot
from stack.data.snapshot import Snapshot
from stack.errors import StackError
from stack.records import record_file
from stack.records.state import StackState

FILE = "snapshots.json"


def write(state: StackState, snapshots: list[Snapshot]) -> None:
    """Record the snapshots of a stack; a full disk costs the record only."""
    with contextlib.suppress(OSError):
        record_file.write(Path(state.run) / FILE, snapshots)


def write_of(state: StackState) -> None:
    """Record the snapshots of a stack that has come up, where it has a Postgres that is its own."""
    with contextlib.suppress(StackError):
        server = data_access.access_to(state).server
        with postgres.session(server) as cursor:
            write(state, snapshot.all_of(cursor, server))
