"""All cases, in the order in which they are read."""

from __future__ import annotations

from typing import Final

from parity import keeping, living, placing, starting
from parity.case import CASES, Case

MODULES: Final = (starting, living, keeping, placing)
"""Imported for the cases that they register."""

ALL: Final[tuple[Case, ...]] = tuple(CASES.values())
BY_NAME: Final = dict(CASES)
