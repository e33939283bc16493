"""Poetry's version constraints as PEP 440 specifiers.

Source of the rules: https://python-poetry.org/docs/dependency-specification/#version-constraints
"""

from __future__ import annotations

import re
from typing import Final

_RELEASE: Final = re.compile(r"([\^~])?\s*v?(\d+(?:\.\d+)*)(.*)")


def specifier(constraint: str) -> str:
    """Return a constraint as a specifier; empty where every version will do, or where several ranges will."""
    if "|" in constraint:
        return ""  # PEP 440 knows no "or"
    parts = (_part(part.strip()) for part in re.split(r",|(?<=\d)\s+(?=[<>=!~^])", constraint))
    return ",".join(part for part in parts if part)


def _part(text: str) -> str:
    if text in ("", "*"):
        return ""
    match = _RELEASE.fullmatch(text)
    if match is None or text.startswith(("~=", "==")):
        return text.replace(" ", "")
    kind, release, rest = match[1], match[2], match[3]
    if kind is None:
        return f"=={release}{rest}"
    numbers = [int(number) for number in release.split(".")]
    return f">={release}{rest},<{_next(numbers, _changing_place(kind, numbers))}"


def _changing_place(kind: str, numbers: list[int]) -> int:
    """The place of the number that the upper limit raises: ``^`` the first that is not 0, ``~`` the 2nd."""
    if kind == "~":
        return min(1, len(numbers) - 1)
    return next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)


def _next(numbers: list[int], place: int) -> str:
    return ".".join(map(str, (*numbers[:place], numbers[place] + 1)))
