"""What a runner is told of the server that it is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.model import Service


@dataclass(frozen=True, kw_only=True)
class ServerSpec:
    """The server of ``service``, which is to listen on ``host:port``.

    ``arguments`` are the compose file's for it. ``data`` maps mount targets to host folders, empty or already
    holding data; ``state`` is a private folder that dies with the stack.
    """

    service: Service
    arguments: tuple[str, ...]
    data: Mapping[str, Path]
    host: str
    port: int
    state: Path
