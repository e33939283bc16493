"""The state of a running stack: one file, replaced whole, and the folders around it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from stack.errors import StateUnreadable
from stack.records import folders, record_file
from stack.records.names import require_name
from stack.system import private_folder
from stack.system.directories import home_id

Phase = Literal["starting", "up", "failed", "stopping", "left"]
"""``left``: its guardian has ended, and its engine did not answer then."""

VERSION = 2
VOLUMES = "volumes"
"""The only folder of a stack that outlives it."""

MEMORY = Path("/dev/shm")
SCRATCH_FREE_BYTES = 1 << 30


class StackState(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="version", tag=VERSION
):
    """A running stack. ``pid`` and ``pid_started`` identify its guardian, also after the pid is reused.

    ``token`` is in the environment of every process of the stack. ``ports`` is service -> container port ->
    host port, ``further_ports`` are pairs of both, of container ports that a service publishes several times.
    ``debuggers`` is service -> where its debugger listens. ``created`` is in seconds since the epoch.
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
    further_ports: Mapping[str, tuple[tuple[int, int], ...]] = {}
    debuggers: Mapping[str, int] = {}
    endpoints: Mapping[str, str] = {}


def scratch(name: str) -> Path:
    """Return the folder of data that ends with the stack: in memory where there is room, else on disk.

    Of a stack that has one it is the same for ever, however much room there is meanwhile.
    """
    in_memory, on_disk = _scratches(name)
    if on_disk.is_dir():
        return on_disk
    with contextlib.suppress(OSError, StateUnreadable):
        with contextlib.suppress(FileNotFoundError):
            private_folder.require_own(in_memory.parent)
        free_bytes = shutil.disk_usage(MEMORY).free if os.access(MEMORY, os.W_OK) else 0
        if in_memory.is_dir() or free_bytes >= SCRATCH_FREE_BYTES:
            return in_memory
    return on_disk


def _scratches(name: str) -> tuple[Path, Path]:
    """Return where a stack's scratch folder can be: in memory, and on disk."""
    return scratch_root() / require_name(name), folders.of_stack(name) / "scratch"


def scratch_root() -> Path:
    """Return the folder in memory that holds the scratch folders of this home's stacks."""
    return MEMORY / f"ecommerce-stack-{home_id()}"


def make_scratch(path: Path) -> None:
    """Create a scratch folder that other accounts cannot write to.

    Raises:
        StateUnreadable: another account made a folder of that name.
    """
    if path.parent == scratch_root():
        private_folder.make_below(path)
    path.mkdir(parents=True, exist_ok=True)


def write(state: StackState) -> None:
    """Store ``state``, whole or not at all."""
    record_file.write(folders.state_file(state.name), state)


def read(name: str) -> StackState | None:
    """Return the state of the stack ``name``, None where there is none.

    Raises:
        StateUnreadable: the file is damaged, from another version, or not a state.
    """
    path = folders.state_file(name)
    try:
        return record_file.read(path, StackState)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise StateUnreadable(
            f"{path} belongs to another account ({error.strerror}).",
            hint="Use that account, or a STACK_HOME of your own.",
        ) from error


def readable() -> list[StackState]:
    """Return the state of every stack; a damaged file is left to the sweep."""
    stacks = []
    for name in folders.names():
        with contextlib.suppress(StateUnreadable):
            if (stack := read(name)) is not None:
                stacks.append(stack)
    return stacks


class _Guardian(msgspec.Struct, frozen=True):
    """What the state of every version holds; the rest may be unknown here."""

    pid: int
    pid_started: float


def guardian_of(name: str) -> tuple[int, float] | None:
    """Return pid and start of the guardian of a stack, also from the state of another version; else None."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        guardian = msgspec.json.decode(folders.state_file(name).read_bytes(), type=_Guardian)
        return guardian.pid, guardian.pid_started
    return None


def forget(name: str, *, volumes: bool) -> None:
    """Remove the state and the scratch folder of a stack that has ended; its named volumes on request."""
    for path in (folders.state_file(name), folders.control_socket(name), folders.standby_socket(name)):
        path.unlink(missing_ok=True)
    in_memory, on_disk = _scratches(name)
    private_folder.remove_tree(in_memory)
    shutil.rmtree(on_disk, ignore_errors=True)
    home = folders.of_stack(name)
    for path in [] if volumes or not home.is_dir() else home.iterdir():
        if path.is_dir() and path.name != VOLUMES:
            shutil.rmtree(path, ignore_errors=True)
        elif not path.is_dir():
            path.unlink(missing_ok=True)
    if volumes:
        shutil.rmtree(home, ignore_errors=True)
    with contextlib.suppress(OSError):
        home.rmdir()  # fails where volumes remain
    remove_shared_folders()


def remove_shared_folders() -> None:
    """Remove the folders that this home's stacks share, as soon as none has anything in them."""
    for shared in (scratch_root(), folders.sockets()):
        private_folder.remove_empty(shared)
