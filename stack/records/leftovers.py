"""What ended stacks may have left on disk, and its removal."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from stack.records import state
from stack.system import cached_folder
from stack.system.directories import cache_home, state_home


def remove(*, data: bool) -> Iterator[str]:
    """Remove folders of stacks that do not live; kept data only where asked. Says what it removed."""
    living = set(state.names())
    for folder in sorted((state_home() / "stacks").glob("*")):
        if folder.name in living:
            continue
        kept = any((folder / "volumes").glob("*"))
        if data or not kept:
            shutil.rmtree(folder, ignore_errors=True)
            yield f"removed {'the data of ' if kept else ''}{folder.name}"
    for folder in sorted(scratch_root().glob("*")):
        if folder.name not in living:
            shutil.rmtree(folder, ignore_errors=True)
            yield f"removed the scratch folder of {folder.name}"
    for folder in cached_folder.unused_folders(cache_home()):
        aside = folder.rename(folder.with_name(f".{folder.name}.unused"))  # it may be made anew now
        shutil.rmtree(aside, ignore_errors=True)
        yield f"removed {folder.parent.name}/{folder.name}, unused for two weeks"
    for folder in (scratch_root(), state.control_socket("any").parent):
        with contextlib.suppress(OSError):  # somebody's stack is in it
            folder.rmdir()


def scratch_root() -> Path:
    """Return the folder that holds the scratch folders of all stacks."""
    return state.scratch("any").parent
