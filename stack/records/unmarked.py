"""A note of a stack's databases that lacked their disposable mark when they were last asked.

It lies beside the stack's volumes and lives as long as they do: where no server runs that could be asked, it
is what the guard knows of the mark.
"""

from __future__ import annotations

from pathlib import Path

from stack.records import folders, state
from stack.system.directories import state_home

NOTE = ".unmarked"
"""No volume can have this name: it would begin with a letter or a digit."""


def record(stack: str, service: str, database: str, *, has_mark: bool) -> None:
    """Note that the database of a Postgres ``service`` of ``stack`` has no mark, or take such a note back."""
    file, line = _file(stack), f"{service} {database}"
    lines = [each for each in _lines(stack) if each != line] + ([] if has_mark else [line])
    if lines:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines), encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


def unmarked_database(stack: str) -> str | None:
    """Return the first database of ``stack`` that lacked its mark, None where none did."""
    return next((line.partition(" ")[2] for line in _lines(stack)), None)


def stacks() -> list[str]:
    """Return the stacks that such a note is there of."""
    return sorted(path.parts[-3] for path in (state_home() / "stacks").glob(f"*/{state.VOLUMES}/{NOTE}"))


def _lines(stack: str) -> list[str]:
    """Service and database of each that lacked its mark."""
    try:
        return _file(stack).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _file(stack: str) -> Path:
    return folders.of_stack(stack) / state.VOLUMES / NOTE
