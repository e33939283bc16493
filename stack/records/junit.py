"""The results of a run's integration tests, as pytest wrote them (``junit.xml``)."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Literal

import msgspec

FILE = "junit.xml"
TEXT_LIMIT = 4_000


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One test; ``text`` is why it failed or was skipped, ``trace_id`` is that of its requests."""

    __test__ = False

    name: str
    file: str
    outcome: Literal["passed", "failed", "skipped"]
    seconds: float
    text: str = ""
    trace_id: str = ""


def read(run: Path) -> list[TestResult]:
    """Return the results of a run's tests; none where there is no file, or it is damaged."""
    try:
        root = ET.parse(run / FILE).getroot()  # noqa: S314  written by our own pytest
    except (OSError, ET.ParseError):
        return []
    return [_result(case) for case in root.iter("testcase")]


def _result(case: ET.Element) -> TestResult:
    outcome: Literal["passed", "failed", "skipped"] = "passed"
    text = ""
    for child in case:
        if child.tag in {"failure", "error"}:
            outcome, text = "failed", child.get("message") or child.text or ""
            break
        if child.tag == "skipped":
            outcome, text = "skipped", child.get("message") or ""
    properties = {each.get("name"): each.get("value") or "" for each in case.iter("property")}
    return TestResult(
        name=case.get("name", ""),
        file=case.get("classname", ""),
        outcome=outcome,
        seconds=_number(case.get("time")),
        text=text[:TEXT_LIMIT],
        trace_id=properties.get("trace_id", ""),
    )


def _number(text: str | None) -> float:
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if 0 <= number < math.inf else 0.0
