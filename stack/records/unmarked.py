"""A note that a stack's database lacked its disposable mark when it was last up.

It lies beside the stack's volumes and lives as long as they do: where no server runs that could be asked, it
is what the guard knows of the mark.
"""

from __future__ import annotations

from pathlib import Path

from stack.records import folders, state
from stack.system.directories import state_home

NOTE = ".unmarked"
"""No volume can have this name: it would begin with a letter or a digit."""


def record(stack: str, database: str, *, has_mark: bool) -> None:
    """Note that the database of ``stack`` has no mark, or take such a note back."""
    file = _file(stack)
    if has_mark:
        file.unlink(missing_ok=True)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(database, encoding="utf-8")


def unmarked_database(stack: str) -> str | None:
    """Return the database of ``stack`` that lacked its mark, None where none did."""
    try:
        return _file(stack).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def stacks() -> list[str]:
    """Return the stacks that such a note is there of."""
    return sorted(path.parts[-3] for path in (state_home() / "stacks").glob(f"*/{state.VOLUMES}/{NOTE}"))


def _file(stack: str) -> Path:
    return folders.of_stack(stack) / state.VOLUMES / NOTE
