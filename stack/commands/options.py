"""Values of options: text that becomes a number of seconds, a count or the words of a command."""

from __future__ import annotations

import math
import re
import shlex
from datetime import UTC, datetime, time, timedelta

from stack.errors import InvalidOption

_TIME_OF_DAY = re.compile(r"\d\d:\d\d(:\d\d(\.\d{3})?)?")
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


def moment(option: str, text: str, *, now: datetime, last: datetime) -> str:
    """Return a moment as log lines have it (ISO 8601, UTC), "" where ``text`` is empty.

    It is a duration before ``now`` (10m), a time of day (the latest such before ``last``) or a date and time.

    Raises:
        InvalidOption: ``text`` is none of them.
    """
    if not text:
        return ""
    try:
        if re.fullmatch(r"[0-9]+[smhd]", text):
            at = now - timedelta(seconds=int(text[:-1]) * UNITS_S[text[-1]])
        elif _TIME_OF_DAY.fullmatch(text):
            at = datetime.combine(last.date(), time.fromisoformat(text), UTC)
            at -= timedelta(days=1) if at > last + timedelta(minutes=1) else timedelta()
        else:
            at = datetime.fromisoformat(text)
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidOption(
            f"{option} {text!r} is not a time.",
            hint="Write a duration before now (30s, 10m, 2h, 1d), a time as in the lines (12:30:59), or "
            "2026-01-31T12:30:59; times are UTC.",
        ) from None
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


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
