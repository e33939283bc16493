"""Programs that a service's command may call and that need not be installed here.

``nc`` and ``wait-for-it`` wait for a port; ``tini``, ``dumb-init``, ``gosu``, ``su-exec``, ``uv run``,
``poetry run`` and ``pdm run`` run a command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""It stands last on a service's PATH: a program that is installed wins."""

RUNNERS: Final = FOLDER / "runners"
"""It stands first where a Python environment is installed: the tools themselves would make another one."""

STARTERS: Final = FOLDER / "starters"
"""It stands before the programs of this machine: an installed ``gosu`` could only be refused, and ``tini``
would warn that it is not the first process."""
