"""Names of stacks: two work trees on one machine never share one.

The stacks of the first clone's main work tree have the compose file's own name; those of every other work
tree have a suffix made from its path. The name of an ephemeral stack has a random suffix.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path

from stack.errors import ComposeError, UnknownStack
from stack.system import lock
from stack.system.directories import state_home

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""Names of projects (https://github.com/compose-spec/compose-spec/blob/main/spec.md#name-top-level-element)."""

PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Names of services and volumes, as container engines allow them."""


def require_name(name: str) -> str:
    """Return ``name`` where it can be the name of a stack, and so of a folder.

    Raises:
        UnknownStack: it cannot.
    """
    if not NAME.fullmatch(name):
        raise UnknownStack(
            f"{name!r} cannot be the name of a stack.",
            hint="Use lower-case letters, digits, '-' and '_', first a letter or a digit.",
        )
    return name


def require_part(kind: str, name: str) -> str:
    """Return the name of a service or a volume (``kind``) where it can be that of a folder.

    Raises:
        ComposeError: it cannot.
    """
    if not PART.fullmatch(name):
        raise ComposeError(
            f"{name!r} cannot be the name of a {kind}.",
            hint="Use letters, digits, '_', '.' and '-', first a letter or a digit.",
        )
    return name


def of_work_tree(project: str, work_tree: Path) -> str:
    """Return the name of the detached stack of ``project`` in ``work_tree``."""
    require_name(project)
    if (work_tree / ".git").is_file() or not _claim(project, work_tree):
        return f"{project}-{hashlib.sha256(str(work_tree).encode()).hexdigest()[:6]}"
    return project


def ephemeral(project: str) -> str:
    """Return a new name for an ephemeral stack."""
    return f"{project}-{secrets.token_hex(3)}"


def _claim(project: str, work_tree: Path) -> bool:
    """Claim the plain name for this work tree, unless another one that still exists has it."""
    folder = state_home() / "names"
    with lock.hold(folder / "lock", timeout_s=10, purpose="names of stacks"):
        claim = folder / project
        owner = Path(claim.read_text()) if claim.exists() else None
        if owner is None or not owner.is_dir():
            claim.write_text(str(work_tree))
            return True
        return owner == work_tree
