"""Did the tests of a protection fail, each by an assertion of its own? Read from pytest's JUnit report."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from unprotected.protection import Protection

EVIDENCE = ("AssertionError", "assert ", "Failed: ")
"""How a failure begins where the test itself noticed something."""
MORE_EVIDENCE = {
    "gateway": ("TimeoutError: timed out", "http.client."),
    "abuse": ("TimeoutError: timed out", "ConnectionResetError"),
    "crashes": ("crashes.customers.NoResponse", "http.client."),
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the row is red, and the first line of the failure or what is wrong."""

    red: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """One test case of the report: its name with its parameters; no message where it passed."""

    name: str
    message: str | None

    def is_of(self, row: Protection) -> bool:
        names = {f"{row.function}[{case}]" for case in row.cases}
        return self.name in names if names else self.name.partition("[")[0] == row.function


def cases(report: ET.Element) -> tuple[Case, ...]:
    """Return the report's cases, each once: a test whose teardown fails has a second entry."""
    messages: dict[str, str | None] = {}
    for entry in report.iter("testcase"):
        failure, name = entry.find("failure"), entry.get("name", "")
        messages[name] = messages.get(name) if failure is None else failure.get("message", "")
    return tuple(Case(name=name, message=message) for name, message in messages.items())


def judge(row: Protection, report: Sequence[Case]) -> Verdict:
    """Return whether the row's cases failed as they should."""
    own = [case for case in report if case.is_of(row)]
    passed = [case.name for case in own if case.message is None]
    failures = [case.message for case in own if case.message is not None]
    if len(own) < max(1, len(row.cases)):
        return Verdict(red=False, text="not every test was run")
    if not failures or (passed and not row.any_case):
        return Verdict(red=False, text=f"did not fail: {', '.join(passed)}")
    evidence = EVIDENCE + MORE_EVIDENCE.get(row.suite, ())
    other = [text for text in failures if not text.startswith(evidence)]
    return Verdict(red=not other, text=_first_line((other or failures)[0]))


def _first_line(message: str) -> str:
    """Return the first line of a failure, and its assertion where that is further down."""
    first, *rest = message.strip().splitlines() or [""]
    assertion = next((line for line in rest if line.startswith("assert ")), "")
    return f"{first[:120]} {assertion[:80]}".strip()
