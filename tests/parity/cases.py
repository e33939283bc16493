"""All cases, in the order in which they are documented."""

from __future__ import annotations

from typing import Final

from parity import data_cases, running_cases, start_cases, surroundings_cases
from parity.case import CASES, Case

MODULES: Final = (start_cases, running_cases, data_cases, surroundings_cases)
"""Imported because they register cases."""

ALL: Final[tuple[Case, ...]] = tuple(CASES.values())
BY_NAME: Final = dict(CASES)
