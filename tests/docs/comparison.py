"""Does a command print what its page says?

The comparison is literal, line by line, except for these rules:

- ``...`` alone on a line stands for any number of lines, also none; within a line, for any text.
- Spaces count as one, however many; so does a row of ``=`` or ``-``. Empty lines do not count.
- Durations, clock times, dates, sizes, percentages, ports, process ids, hexadecimal ids (stacks, requests)
  and numbers of tests and rows may have any value.
- A command with no output in the page may print anything.
- That a service is not ready yet is printed on a slow machine only, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

ANY_LINES: Final = "..."
NOT_READY_YET: Final = "not ready yet: "
RULES: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?( [+-]\d{4} \w+)?|\d{4}-\d\d-\d\d", "DATE"),
        (r" \(\d+:\d\d:\d\d\)", ""),  # pytest's second way to say a duration above a minute
        (r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "CLOCK"),
        (
            r"(?i)\b(about )?(an?|\d+) (seconds?|minutes?|hours?|days?)( ago)?\b",
            "AGE",
        ),
        (r"\b\d+(\.\d+)?( ms| s|ms|s|m|h)\b", "DURATION"),
        (r"\b\d+(\.\d+)? ?([kKMGT]i?B|B)\b", "SIZE"),
        (r"\b\d+(\.\d+)?%", "PERCENT"),
        (r"(?<=[:>])\d{4,5}\b", "PORT"),
        (r"\bpid \d+", "pid N"),
        (r"(?<=-ci-)[0-9a-f]{6}\b", "ID"),  # one in 360 has no digit
        (r"\b(?=[0-9a-f]*\d)[0-9a-f]{6,64}\b", "ID"),
        (r"\b\d+ (passed|deselected|rows|tables|Redis key)s?\b", r"N \1"),
        (r"={2,}", "="),
        (r"-{2,}(?=$|\s)", "-"),
        (r"\s+", " "),
    )
)


def normalise(line: str) -> str:
    """Return the line with everything replaced that may differ from run to run."""
    for pattern, replacement in RULES:
        line = pattern.sub(replacement, line)
    return line.strip()


def difference(documented: Sequence[str], printed: str) -> str:
    """Return what differs, in one sentence; empty where the output is as documented."""
    if not documented:
        return ""
    expected = [normalise(line) for line in documented if line.strip()]
    actual = [line for line in map(normalise, printed.splitlines()) if line and NOT_READY_YET not in line]
    if _match(expected, actual):
        return ""
    missing = [
        line for line in expected if line != ANY_LINES and not any(_same(line, each) for each in actual)
    ]
    extra = [line for line in actual if not any(_same(each, line) for each in expected)]
    if missing:
        return f"the page says {missing[0]!r}, which is not printed"
    return (
        f"{extra[0]!r} is printed, which the page does not say" if extra else "the lines are in another order"
    )


def _same(expected: str, actual: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in expected.split(ANY_LINES))
    pattern = pattern.replace(r"\ .*\ ", r"\ (.*\ )?")  # where it stands for nothing, one space is left
    return re.fullmatch(pattern, actual) is not None


def _match(expected: Sequence[str], actual: Sequence[str]) -> bool:
    """Return whether the lines are the same; ``...`` takes as few of them as possible."""
    if ANY_LINES not in expected:
        return len(expected) == len(actual) and all(map(_same, expected, actual))
    gap = expected.index(ANY_LINES)
    if len(actual) < gap or not all(map(_same, expected[:gap], actual[:gap])):
        return False
    tail, rest = expected[gap + 1 :], actual[gap:]
    return any(_match(tail, rest[skipped:]) for skipped in range(len(rest) + 1))
