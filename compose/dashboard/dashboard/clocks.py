"""Spans of services whose clocks differ, put to where they must have been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.store import CLIENT

Row = Mapping[str, Any]
"""A span as the store returns it."""


def aligned(spans: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the spans of a trace by time; ``moved_ns`` is by how much each one was moved.

    A span that began before its parent, or only after the call that led to it was over, was timed by
    another clock: it is put into the middle of its parent, and all of its service below it by as much.
    """
    moved: dict[str, int] = {}
    below: dict[str, list[Row]] = defaultdict(list)
    for span in spans:
        below[span["parent_id"]].append(span)
    known = {span["span_id"] for span in spans}
    waiting = [(span, 0) for span in spans if span["parent_id"] not in known]
    while waiting:
        span, difference_ns = waiting.pop()
        if span["span_id"] not in moved:
            moved[span["span_id"]] = difference_ns
            for child in below[span["span_id"]]:
                waiting.append((child, _difference_ns(child, span, difference_ns)))
    rows = [_moved(span, moved.get(span["span_id"], 0)) for span in spans]
    return sorted(rows, key=lambda row: int(row["start_ns"]))


def _difference_ns(span: Row, parent: Row, parents_ns: int) -> int:
    if span["service"] == parent["service"]:
        return parents_ns
    begin_ns, end_ns = parent["start_ns"] + parents_ns, parent["end_ns"] + parents_ns
    if begin_ns <= span["start_ns"] and (span["start_ns"] <= end_ns or parent["kind"] != CLIENT):
        return 0
    spare_ns = (end_ns - begin_ns) - (span["end_ns"] - span["start_ns"])
    return int(begin_ns + max(spare_ns, 0) // 2 - span["start_ns"])


def _moved(span: Row, by_ns: int) -> dict[str, Any]:
    times = {name: span[name] + by_ns for name in ("start_ns", "end_ns")}
    return {**span, **times, "moved_ns": by_ns}
