"""What a row of the table of protections says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cut:
    """One change of the engine: ``taken`` stands exactly once in ``file``; ``put`` stands there instead."""

    file: str
    taken: str
    put: str = "pass"


@dataclass(frozen=True, kw_only=True)
class Protection:
    """What holds in spite of a fault, what holds it, and the tests that fail without.

    Several cuts are one protection behind another: with any one of them left in place, nothing is seen.
    """

    fault: str
    held_by: str
    cuts: tuple[Cut, ...]
    tests: tuple[str, ...]
    engine: str = "local"
