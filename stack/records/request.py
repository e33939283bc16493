"""What a command asks a guardian to hold; one file in the run's folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stack.records import record_file

KEEP = b"keep"
"""What a command writes into the lease of a detached stack that has come up, before it closes the lease."""

FILE = "request.json"


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The stack that a guardian is to hold. ``deadline_s`` is the time that its start may take."""

    name: str
    files: tuple[str, ...]
    engine: str
    work_tree: str
    run: str
    token: str = ""
    env_file: str | None = None
    profiles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    ephemeral: bool = False
    deadline_s: float = 120.0


def write(request: Request) -> Path:
    """Write the request into the run's folder and return the file."""
    path = Path(request.run) / FILE
    record_file.write(path, request)
    return path


def read_request(path: Path) -> Request:
    """Return the request that a command has written.

    Raises:
        StateUnreadable: the file is damaged or from another version.
    """
    return record_file.read(path, Request)
