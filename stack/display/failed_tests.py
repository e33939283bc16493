"""The report of failed integration tests: grouped by cause, each with what the services logged meanwhile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stack.display import log_lines
from stack.display.terminal import plain
from stack.records.failed_tests import FailedTest
from stack.records.service_logs import stamp_of

Row = tuple[str, str, str]
"""Time, service and text of a line of a log."""

REPORT_LINES = 46
"""With the error after it, the report fits the last 50 lines."""

NAMED_TESTS = 3
NAME_WIDTH = 70
WIDTH = 200
MARGIN_S = 0.5
"""Services log a little after they answer."""

_VARIABLE = re.compile(
    r"\b[0-9a-f]{8,}(?:-[0-9a-f]+)*\b|\b[0-9A-Z]{16}\b|\b[\w-]{43}(?![\w-])|0x[0-9a-f]+|\d+(?:\.\d+)?"
)
"""What differs from test to test though the cause is one: ids, orders, tokens, addresses, numbers."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause and the tests that it failed."""

    title: str
    tests: tuple[FailedTest, ...]


def causes(tests: Sequence[FailedTest]) -> list[Cause]:
    """Return the failed tests grouped by cause, the most frequent cause first.

    The cause is the service's answer where it was an error of the service, else the assertion at its place.
    """
    groups: dict[tuple[str, str], list[FailedTest]] = {}
    for test in tests:
        title = test.answer or _assertion(test)[0]
        groups.setdefault((_VARIABLE.sub("#", title), "" if test.answer else test.place), []).append(test)
    grouped = [
        Cause(title=group[0].answer or _assertion(group[0])[0], tests=tuple(group))
        for group in groups.values()
    ]
    return sorted(grouped, key=lambda cause: -len(cause.tests))


def report(tests: Sequence[FailedTest], rows: Sequence[Row], *, limit: int = REPORT_LINES) -> str:
    """Return at most ``limit`` lines about the failed tests; ``rows`` are the services' logs, by time."""
    grouped = causes(tests)
    shown = grouped[: max(1, limit // 7)]
    share = (limit - 2) // len(shown)
    lines = [f"{_count(len(tests), 'test')} failed, for {_count(len(grouped), 'cause')}:"]
    for cause in shown:
        lines += _cause_lines(cause, rows, share)
    if len(shown) < len(grouped):
        lines.append(f"and {_count(len(grouped) - len(shown), 'more cause')} (pytest lists every test above)")
    return "\n".join(plain(line)[:WIDTH] for line in lines)


def _assertion(test: FailedTest) -> list[str]:
    """Return the lines of a test's message; a body that stands before the assertion follows it."""
    lines = [line for line in test.message.splitlines() if line.strip()] or [""]
    at = next((number for number, line in enumerate(lines) if line.startswith("assert ")), 0)
    is_body = lines[0].removeprefix("AssertionError: ").startswith(("{", "[", "<"))
    return [lines[at], *lines[:at], *lines[at + 1 :]] if is_body else lines


def _cause_lines(cause: Cause, rows: Sequence[Row], limit: int) -> list[str]:
    names = ", ".join(_short(test.test) for test in cause.tests[:NAMED_TESTS])
    more = len(cause.tests) - NAMED_TESTS
    first = cause.tests[0]
    head = [
        f"* {_count(len(cause.tests), 'test')}: {cause.title}"
        + (f" ({first.request})" if first.request else ""),
        f"    {names}" + (f" and {more} more" if more > 0 else ""),
    ]
    head += [f"    at {step}" for step in first.steps]
    assertion = _assertion(first)
    if not first.answer:
        assertion = assertion[1:]  # the title is its first line
    if assertion:
        head.append(f"    {first.place}: {assertion[0]}")
    elif not first.steps:
        head.append(f"    at {first.place}")
    head += [f"      {line}" for line in assertion[1:3]]
    head += [f"    last answer: {first.last_answer}"] if first.last_answer else []
    evidence = [line for test in cause.tests[:NAMED_TESTS] for line in service_lines(test, rows)]
    unique: dict[str, str] = {}
    for line in evidence:
        unique.setdefault(_VARIABLE.sub("#", line), line)
    return [*head, *(f"    {line}" for line in unique.values())][:limit]


def service_lines(test: FailedTest, rows: Sequence[Row]) -> list[str]:
    """Return the services' own warnings, errors and tracebacks of a test.

    They are those of its requests, by id, or else all of its time that belong to no other request.
    """
    first, last = stamp_of(test.started - MARGIN_S), stamp_of(test.ended + MARGIN_S)
    inside = [row for row in rows if first <= row[0] <= last and log_lines.is_warning(row[2])]
    own = [row for row in inside if any(identity in row[2] for identity in test.request_ids)]
    lines = []
    for _, service, text in own or [row for row in inside if not _is_of_another(test, row[2])]:
        first_line, *rest = log_lines.evidence(text)
        lines += [f"{service} | {first_line}", *(f"{service} |   {line}" for line in rest)]
    return lines


def _is_of_another(test: FailedTest, text: str) -> bool:
    """Return whether a line is of a request that the test did not make; a test's raw requests have no ids."""
    return bool(test.request_ids) and log_lines.request_id(text) != ""


def _short(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 3]}..."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
