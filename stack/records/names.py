"""Names of stacks: two work trees on one machine never share one.

The stacks of the first clone's main work tree have the compose file's own name; those of every other work
tree have a suffix made from its path. The name of an ephemeral stack has a random suffix.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from stack.system.directories import state_home


def of_work_tree(project: str, work_tree: Path) -> str:
    """Return the name of the detached stack of ``project`` in ``work_tree``."""
    if (work_tree / ".git").is_file() or not _claim(project, work_tree):
        return f"{project}-{hashlib.sha256(str(work_tree).encode()).hexdigest()[:6]}"
    return project


def ephemeral(project: str) -> str:
    """Return a new name for an ephemeral stack."""
    return f"{project}-{secrets.token_hex(3)}"


def _claim(project: str, work_tree: Path) -> bool:
    """Claim the plain name for this work tree, unless another one that still exists has it."""
    from filelock import FileLock

    folder = state_home() / "names"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock", timeout=10):
        claim = folder / project
        owner = Path(claim.read_text()) if claim.exists() else None
        if owner is None or not owner.is_dir():
            claim.write_text(str(work_tree))
            return True
        return owner == work_tree
