"""Remove what ended stacks left on disk."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from stack.records import state
from stack.system import cached_folder
from stack.system.directories import cache_home, state_home


def remove(*, data: bool) -> Iterator[str]:
    """Remove the folders of stacks that are not up, with ``data`` those of volumes too; yield what went."""
    up = set(state.names())
    for folder in sorted((state_home() / "stacks").glob("*")):
        if folder.name in up:
            continue
        has_data = any((folder / state.VOLUMES).glob("*"))
        if data or not has_data:
            shutil.rmtree(folder, ignore_errors=True)
            yield f"removed {'the data of ' if has_data else ''}{folder.name}"
    for folder in sorted(scratch_root().glob("*")):
        if folder.name not in up:
            shutil.rmtree(folder, ignore_errors=True)
            yield f"removed the scratch folder of {folder.name}"
    for folder in cached_folder.unused_folders(cache_home()):
        aside = folder.rename(folder.with_name(f".{folder.name}.unused"))  # it may be made again meanwhile
        shutil.rmtree(aside, ignore_errors=True)
        yield f"removed {folder.parent.name}/{folder.name}, unused for two weeks"
    for folder in (scratch_root(), state.control_socket("any").parent):
        with contextlib.suppress(OSError):  # another stack is in it
            folder.rmdir()


def scratch_root() -> Path:
    """Return the folder that holds the scratch folders of all stacks."""
    return state.scratch("any").parent
