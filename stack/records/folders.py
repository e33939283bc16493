"""The folders and files of a stack, by its name.

Apart from what stands in them: a command that a standby does needs no more than where that listens.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from stack.records.names import require_name
from stack.system import private_folder
from stack.system.directories import home_id, state_home


def of_stack(name: str) -> Path:
    """Return the state folder of the stack ``name``.

    Raises:
        UnknownStack: it is no name, and must not become a path.
    """
    return state_home() / "stacks" / require_name(name)


def state_file(name: str) -> Path:
    return of_stack(name) / "state.json"


def exchange_journal(name: str) -> Path:
    """Return the file that is there while a command exchanges the stack's databases."""
    return of_stack(name) / "exchange.json"


def sockets() -> Path:
    """Return the folder of control sockets; its path is short: the kernel allows 107 bytes (unix(7))."""
    return Path(tempfile.gettempdir()) / f"ecommerce-stack-{home_id()}"


def control_socket(name: str) -> Path:
    """Return where the guardian listens; the folder need not be there.

    Raises:
        StateUnreadable: another account made that folder, and could listen in the guardian's place.
    """
    path = sockets() / f"{require_name(name)}.sock"
    with contextlib.suppress(FileNotFoundError):
        private_folder.require_own(path.parent)
    return path


def standby_socket(name: str) -> Path:
    """Return where the standby listens, as ``control_socket``."""
    return control_socket(name).with_suffix(".data")


def names() -> tuple[str, ...]:
    """Return the names of the stacks that have a state file."""
    return tuple(sorted(path.parent.name for path in (state_home() / "stacks").glob("*/state.json")))
