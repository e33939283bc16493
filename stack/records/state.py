"""The state of a running stack: one file, replaced whole, and the folders around it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from stack.errors import StateUnreadable
from stack.records import record_file
from stack.system.directories import state_home

Phase = Literal["starting", "up", "failed", "stopping"]
VERSION = 2
VOLUMES = "volumes"
"""The only folder of a stack that outlives it."""

SCRATCH_FREE_BYTES = 1 << 30


class StackState(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="version", tag=VERSION
):
    """A running stack. ``pid`` and ``pid_started`` identify its guardian, also after the pid is reused.

    ``token`` is in the environment of every process of the stack. ``ports`` is service -> container port ->
    host port; ``created`` is in seconds since the epoch.
    """

    name: str
    engine: str
    work_tree: str
    run: str
    token: str
    ephemeral: bool
    created: float
    pid: int
    pid_started: float
    phase: Phase = "starting"
    ports: Mapping[str, Mapping[int, int]] = {}
    endpoints: Mapping[str, str] = {}


def folder(name: str) -> Path:
    """Return the state folder of the stack ``name``."""
    return state_home() / "stacks" / name


def state_file(name: str) -> Path:
    return folder(name) / "state.json"


def scratch(name: str) -> Path:
    """Return the folder of data that ends with the stack: in memory where there is room, else on disk."""
    memory = Path("/dev/shm")
    with contextlib.suppress(OSError):
        if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= SCRATCH_FREE_BYTES:
            return memory / _own() / name
    return folder(name) / "scratch"


def control_socket(name: str) -> Path:
    """Return where the guardian listens. The path is short: the kernel allows 107 bytes (unix(7)).

    Raises:
        StateUnreadable: another account made that folder, and could listen in the guardian's place.
    """
    base = Path(tempfile.gettempdir()) / _own()
    base.mkdir(mode=0o700, exist_ok=True)
    if base.lstat().st_uid != os.geteuid():
        raise StateUnreadable(
            f"{base} belongs to another account.", hint="Set TMPDIR to a folder of your own."
        )
    return base / f"{name}.sock"


def _own() -> str:
    """Return a folder name that is unique to this account and its state folder."""
    return f"ecommerce-stack-{os.getuid()}-{zlib.crc32(str(state_home()).encode()):08x}"


def write(state: StackState) -> None:
    """Store ``state``, whole or not at all."""
    record_file.write(state_file(state.name), state)


def read(name: str) -> StackState | None:
    """Return the state of the stack ``name``, None where there is none.

    Raises:
        StateUnreadable: the file is damaged, from another version, or not a state.
    """
    try:
        return record_file.read(state_file(name), StackState)
    except FileNotFoundError:
        return None


def names() -> tuple[str, ...]:
    """Return the names of the stacks that have a state file."""
    return tuple(sorted(path.parent.name for path in (state_home() / "stacks").glob("*/state.json")))


def forget(name: str, *, volumes: bool) -> None:
    """Remove the state and the scratch folder of a stack that has ended; its named volumes on request."""
    for path in (state_file(name), control_socket(name)):
        path.unlink(missing_ok=True)
    shutil.rmtree(scratch(name), ignore_errors=True)
    home = folder(name)
    for path in [] if volumes or not home.is_dir() else home.iterdir():
        if path.is_dir() and path.name != VOLUMES:
            shutil.rmtree(path, ignore_errors=True)
        elif not path.is_dir():
            path.unlink(missing_ok=True)
    if volumes:
        shutil.rmtree(home, ignore_errors=True)
    with contextlib.suppress(OSError):
        home.rmdir()  # fails where volumes remain
