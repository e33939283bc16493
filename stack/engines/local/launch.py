"""What is executed for one service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.engines.local.views import View


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A program in the foreground; it ends on SIGINT or SIGTERM.

    ``user`` is the account to drop to, None where that is not needed, and ``view`` what it is shown;
    ``programs`` is a folder of programs that belong to it; ``new_data`` says that its data was made for this
    start.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path
    user: str | None = None
    view: View | None = None
    programs: Path | None = None
    new_data: bool = False
