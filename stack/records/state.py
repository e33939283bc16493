"""What is remembered of a stack while it lives: one atomic file, and the folders around it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from stack.errors import StateUnreadable
from stack.system import files
from stack.system.directories import state_home

VERSION = 1
VOLUMES = "volumes"
"""The only folder of a stack that outlives it."""

SCRATCH_FREE_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class StackState:
    """A living stack. ``pid`` and ``pid_started`` identify its guardian, so a reused pid is never ours.

    ``token`` is in the environment of every process of the stack. ``phase`` is starting, up, failed or
    stopping. ``ports`` is service -> container port (text) -> host port.
    """

    name: str
    project: str
    engine: str
    work_tree: str
    files: tuple[str, ...]
    run: str
    token: str
    ephemeral: bool
    created: float
    pid: int = 0
    pid_started: float = 0.0
    phase: str = "starting"
    ports: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)

    def with_phase(self, phase: str) -> StackState:
        return replace(self, phase=phase)


def folder(name: str) -> Path:
    """Return the folder that holds all that is kept of the stack ``name``."""
    return state_home() / "stacks" / name


def state_file(name: str) -> Path:
    return folder(name) / "state.json"


def scratch(name: str) -> Path:
    """Return the folder of what dies with the stack: in memory where there is room, else beside the state."""
    memory = Path("/dev/shm")
    with contextlib.suppress(OSError):
        if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= SCRATCH_FREE_BYTES:
            return memory / _own() / name
    return folder(name) / "scratch"


def control_socket(name: str) -> Path:
    """Return where the guardian listens; short, for a socket's path has 107 bytes at most (unix(7)).

    Raises:
        StateUnreadable: somebody else made that folder, and could listen in our place.
    """
    base = Path(tempfile.gettempdir()) / _own()
    base.mkdir(mode=0o700, exist_ok=True)
    if base.lstat().st_uid != os.geteuid():
        raise StateUnreadable(f"{base} belongs to somebody else.", hint="Set TMPDIR to a folder of your own.")
    return base / f"{name}.sock"


def _own() -> str:
    """A folder's name that no other user has, nor the same user with state elsewhere."""
    return f"ecommerce-stack-{os.getuid()}-{zlib.crc32(str(state_home()).encode()):08x}"


def write(state: StackState) -> None:
    """Keep ``state``, whole or not at all."""
    files.write_atomically(
        state_file(state.name), json.dumps({"version": VERSION, **asdict(state)}, indent=1)
    )


def read(name: str) -> StackState | None:
    """Return the state of the stack ``name``, None where there is none.

    Raises:
        StateUnreadable: the file is damaged, from another version, or not ours.
    """
    path = state_file(name)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return _parse(raw)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateUnreadable(
            f"{path} cannot be read as the state of a stack ({error}).",
            hint="`inv prune` sets it aside and ends what it left.",
        ) from error


def _parse(raw: dict[str, Any]) -> StackState:
    if raw.pop("version") != VERSION:
        raise ValueError("it was written by another version")
    known = {f.name for f in fields(StackState)}
    if unknown := set(raw) - known:
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
    return StackState(**{**raw, "files": tuple(raw["files"])})


def names() -> tuple[str, ...]:
    """Return the names of the stacks that have a state file."""
    return tuple(sorted(path.parent.name for path in (state_home() / "stacks").glob("*/state.json")))


def forget(name: str, *, volumes: bool) -> None:
    """Remove what is kept of a stack that has ended; named volumes only where asked."""
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
        home.rmdir()  # only where nothing is kept in it
