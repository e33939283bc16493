"""What a command asks a guardian to hold; one file in the run's folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEEP = b"keep"
"""What a command writes into the lease of a detached stack that has come up, before it gives it up."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command asks for; written to the run's folder."""

    name: str
    files: tuple[str, ...]
    engine: str
    work_tree: str
    run: str
    token: str = ""
    env_file: str | None = None
    profiles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    ephemeral: bool = False
    deadline_s: float = 120.0


def read_request(path: Path) -> Request:
    """Return the request that a command has written."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
    return Request(**values)
