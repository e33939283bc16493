"""Where a Postgres service keeps its data: inside of it, and on this machine.

Apart from the runner, because commands ask it that never start a server.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from stack.model import Service

OLD_TARGET = "/var/lib/postgresql/data"
"""Where the data lies inside a container before Postgres 18."""


def data_target(service: Service, major: int | None) -> str:
    """Return where the data lies inside a container; Postgres 18 moved it below a folder of its version."""
    default = OLD_TARGET
    if major is not None and major >= 18:
        default = f"/var/lib/postgresql/{major}/docker"
    return posixpath.normpath(service.environment.get("PGDATA") or default)


def host_folder(target: str, data: Mapping[str, Path], state: Path) -> Path:
    """Return the folder behind ``target``: in a mount, or in the stack's own scratch."""
    for mounted in sorted(data, key=len, reverse=True):
        inside = posixpath.relpath(target, mounted)
        if not inside.startswith(".."):
            return data[mounted] if inside == "." else data[mounted] / inside
    return state / "data"


def is_durable(service: Service, target: str) -> bool:
    """Return whether the data outlives the stack: a bind or a named volume holds it."""
    holding = [m for m in service.mounts if not posixpath.relpath(target, m.target).startswith("..")]
    nearest = max(holding, key=lambda mount: len(mount.target), default=None)
    return nearest is not None and nearest.type != "tmpfs" and nearest.source is not None
