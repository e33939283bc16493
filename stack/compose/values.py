"""Scalars as compose reads them: durations, booleans, and any scalar as a string."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

_TRUE: Final = ("true", "y", "yes", "on")
_FALSE: Final = ("false", "n", "no", "off")


_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp])?i?b?", re.ASCII | re.IGNORECASE)


def size_bytes(value: int | float | str) -> int:
    """Return the bytes of a size such as ``512m`` or ``1.5gb``; units are powers of 1024 (docker/go-units).

    Raises:
        ValueError: not a size.
    """
    match = _SIZE.fullmatch(str(value))
    if not match:
        raise ValueError(f"{value!r} is not a size such as 512m or 1g")
    power = "kmgtp".index(match[2].lower()) + 1 if match[2] else 0
    return int(Decimal(match[1]) * 1024**power)


def boolean(value: bool | str) -> bool:
    """Return a boolean, also where interpolation made a string of it.

    Raises:
        ValueError: neither true nor false.
    """
    if isinstance(value, bool):
        return value
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ValueError(f"{value!r} is neither true nor false")


def text(value: Any) -> str:
    """Return a scalar as Go prints it: ``true``, ``1.5``, ``1e+06``; null is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _real(value)
    return str(value)


def _real(value: float) -> str:
    """Go's ``%v``: the shortest digits, with an exponent where that is below -4 or above 5."""
    sign, digits, _exponent = (shortest := Decimal(repr(value)).normalize()).as_tuple()
    exponent = shortest.adjusted() if value else 0
    if -4 <= exponent <= 5:
        return f"{shortest:f}"
    fraction = "".join(str(digit) for digit in digits[1:])
    mantissa = f"{digits[0]}.{fraction}" if fraction else str(digits[0])
    return f"{'-' * sign}{mantissa}e{exponent:+03d}"
