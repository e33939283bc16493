"""Scalars as compose reads them: durations, booleans, command lines, and any scalar as a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

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
_TRUE: Final = ("true", "y", "yes", "on")
_FALSE: Final = ("false", "n", "no", "off")


def seconds(text: str) -> float:
    """The seconds of a Go duration, such as ``1m30s`` or ``250ms``; days and weeks too.

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


def boolean(value: bool | str) -> bool:
    """The truth of a boolean, or of the text that a variable left in its place.

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
    """A scalar as Go prints it: ``true``, ``1.5``, ``1e+06``; null is empty."""
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


_STOPS: Final = ";&|<>"
_ESCAPES: Final = {"t": "\t", "n": "\n"}


def words(line: str) -> tuple[str, ...]:
    """The words of a command line; like compose, none after an unquoted ``;``, ``&``, ``|``, ``<``, ``>``.

    Raises:
        ValueError: a quote is not closed, or an unquoted parenthesis.
    """
    splitter = _Splitter()
    for character in line:
        if not splitter.take(character):
            break
    return splitter.end(line)


@dataclass
class _Splitter:
    """One character at a time. ``quote`` is the open one (``(`` for ``$(``), ``ticked`` a backquote."""

    found: list[str] = field(default_factory=list)
    word: str = ""
    started: bool = False
    escaped: bool = False
    quote: str = ""
    ticked: bool = False

    def take(self, character: str) -> bool:
        """Whether the line goes on after this character."""
        if self.escaped:
            self.escaped = False
            self._add(_ESCAPES.get(character, character))
        elif character == "\\" and self.quote != "'":
            self.escaped = True
        elif self.quote:
            self._quoted(character)
        elif character in " \t\r\n" and not self.ticked:
            self._finish()
        elif character in _STOPS and not self.ticked:
            self._stop(character)
            return False
        else:
            self._bare(character)
        return True

    def end(self, line: str) -> tuple[str, ...]:
        if self.quote or self.escaped or self.ticked:
            raise ValueError(f"{line!r} is not a command line: a quote is left open")
        self._finish()
        return tuple(self.found)

    def _bare(self, character: str) -> None:
        if character in "'\"":
            self.quote = character
            return
        if character == "`":
            self.ticked = not self.ticked
        elif character in "()" and not self.ticked:
            if character == ")" or not self.word.endswith("$"):
                raise ValueError("an unquoted parenthesis is not part of a command line")
            self.quote = character
        self._add(character)

    def _quoted(self, character: str) -> None:
        closing = ")" if self.quote == "(" else self.quote
        if character != closing:
            self._add(character)
            return
        if closing == ")":
            self._add(character)
        self.quote = ""
        self.started = True

    def _stop(self, character: str) -> None:
        # `2>file`: the number belongs to the redirection.
        if character == ">" and self.word[:1].isdigit():
            self.word, self.started = "", False

    def _add(self, character: str) -> None:
        self.word += character
        self.started = True

    def _finish(self) -> None:
        if self.started:
            self.found.append(self.word)
        self.word, self.started = "", False
