"""Programs that wait for a port, for entry scripts that call them where they are not installed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""It stands last on a service's PATH: a program that is installed wins."""
