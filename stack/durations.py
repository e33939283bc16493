"""Durations as Go writes them; compose files and Dockerfiles use them.

Source of the rules: https://pkg.go.dev/time#ParseDuration
"""

from __future__ import annotations

import re
from typing import Final

_UNITS_S: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,  # U+00B5, the micro sign
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
}

_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([^\d.]+)", re.ASCII)


def seconds(text: str) -> float:
    """Return the seconds of a Go duration, such as ``1m30s`` or ``250ms``; days and weeks too.

    Raises:
        ValueError: not a duration, or a unit is missing.
    """
    sign, digits = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if digits == "0":
        return 0.0
    total, position = 0.0, 0
    while (part := _PART.match(digits, position)) and part[2] in _UNITS_S:
        total += float(part[1]) * _UNITS_S[part[2]]
        position = part.end()
    if not position or position != len(digits):
        raise ValueError(f"{text!r} is not a duration such as 1m30s or 250ms")
    return sign * round(total, 9)
