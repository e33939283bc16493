"""Values of options: text that becomes a number of seconds, a count or the words of a command."""

from __future__ import annotations

import math
import shlex

from stack.errors import InvalidOption

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(option: str, text: str) -> float:
    """Return a number of seconds above 0.

    Raises:
        InvalidOption: ``text`` is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise InvalidOption(f"{option} {text!r} is not a number of seconds.", hint="Write 120, for example.")
    return value


def count(option: str, text: str) -> int:
    """Return a whole number, 0 where ``text`` is empty.

    Raises:
        InvalidOption: ``text`` is none.
    """
    if text and not (text.isascii() and text.isdigit()):
        raise InvalidOption(f"{option} {text!r} is not a whole number.", hint="Write 100, for example.")
    return int(text or 0)


def duration_s(option: str, text: str) -> float | None:
    """Return a duration (30s, 10m, 2h, 1d) in seconds, None where ``text`` is empty.

    Raises:
        InvalidOption: ``text`` is none.
    """
    if not text:
        return None
    number, unit_s = text[:-1], UNITS_S.get(text[-1])
    if unit_s is None or not (number.isascii() and number.isdigit()):
        raise InvalidOption(f"{option} {text!r} is not a duration.", hint="Write 30s, 10m, 2h or 1d.")
    return float(int(number) * unit_s)


def words(command: str) -> list[str]:
    """Return the words of a command, split as a POSIX shell does.

    Raises:
        InvalidOption: there is none, or a quotation mark is not closed.
    """
    try:
        split = shlex.split(command)
    except ValueError as error:
        raise InvalidOption(
            f"The command `{command}` cannot be split into words: {str(error).lower()}.",
            hint="Close every quotation mark, or escape it with a backslash.",
        ) from error
    if not split:
        raise InvalidOption("The command is empty.", hint='Give it as one string, for example "env".')
    return split
