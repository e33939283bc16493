"""Remove what ended stacks of this home left on disk; other homes' stacks are left alone."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator

from stack.records import state
from stack.system import cached_folder, private_folder
from stack.system.directories import cache_home, state_home


def remove(*, data: bool) -> Iterator[str]:
    """Remove the folders of stacks that are not up, with ``data`` their volumes too; yield what was done."""
    stacks = state_home() / "stacks"
    for name in sorted(path.name for path in stacks.glob("*")):
        if _is_up(name):
            continue
        has_data = any((stacks / name / state.VOLUMES).glob("*"))
        if has_data and not data:
            yield f"kept the data of {name}; `inv prune --all` deletes it"
            continue
        shutil.rmtree(stacks / name, ignore_errors=True)
        yield f"removed {'the data of ' if has_data else ''}{name}"
    for name in private_folder.names(state.scratch_root()):
        if not _is_up(name):
            private_folder.remove_tree(state.scratch_root() / name)
            yield f"removed the scratch folder of {name}"
    for folder in cached_folder.unused_folders(cache_home(), in_use_since=_oldest_start()):
        aside = folder.rename(folder.with_name(f".{folder.name}.unused"))  # it may be made again meanwhile
        shutil.rmtree(aside, ignore_errors=True)
        yield f"removed {folder.parent.name}/{folder.name}, unused for two weeks"
    state.remove_shared_folders()


def _oldest_start() -> float:
    """Return when the oldest stack with a state was started: what it was given then it may still use."""
    return min((stack.created for stack in state.readable()), default=math.inf)


def _is_up(name: str) -> bool:
    """Return whether a stack of that name has a state: asked anew for each, as stacks start meanwhile."""
    return (state_home() / "stacks" / name / "state.json").exists()
