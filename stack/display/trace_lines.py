"""A trace as people read it in a terminal: which service did what, with SQL and times, in a few lines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from stack.display.terminal import plain
from stack.records import traces
from stack.records.traces import Span

TESTS = "integration-tests"
"""The service of the tests' own spans: what the shop's services did is worth a line before them."""
LIMIT = 15
STATEMENTS = 4
"""Lines that are kept for the longest statements."""
WIDTH = 150


def lines(title: str, spans: Sequence[Span], *, limit: int = LIMIT) -> list[str]:
    """Return a trace as at most ``limit`` lines: those that failed or took long, with what led to them.

    A call whose answering service has a span of its own is not a line besides that one.
    """
    rows = traces.tree(_without_answered_calls(spans) or spans)
    chosen = _chosen(rows, limit - 1)
    left_out = len(rows) - len(chosen)
    if left_out:
        chosen = _chosen(rows, limit - 2)
        left_out = len(rows) - len(chosen)
    width = max((len(rows[index][1].service) for index in chosen), default=0)
    head = f"trace of {title}: {len(spans)} {'span' if len(spans) == 1 else 'spans'}, {rows[0][1].trace_id}"
    more = [f"  and {left_out} shorter {'span' if left_out == 1 else 'spans'}"] if left_out else []
    return [plain(each)[:WIDTH] for each in (head, *(_line(*rows[i], width) for i in chosen), *more)]


def label(span: Span) -> str:
    """Return what a span did: its statement without the columns that it selects, else its name and status."""
    statement = _without_columns(" ".join(span.statement.split()))
    if not statement:
        return span.name if span.name.endswith(span.status) else f"{span.name} {span.status}"
    return statement if statement.startswith(span.name) else f"{span.name} {statement}"


def _without_columns(statement: str) -> str:
    """Return a query without what it selects: from its own FROM on, not from that of a part in brackets."""
    depth = 0
    for match in re.finditer(r"[()]| FROM ", statement if statement.startswith("SELECT ") else ""):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if match[0] == " FROM " and depth == 0:
            return f"SELECT …{statement[match.start() :]}"
    return statement


def _line(depth: int, span: Span, width: int) -> str:
    what = f"{'  ' * min(depth, 8)}{label(span)}{' FAILED' if span.failed else ''}"
    return f"  {span.seconds * 1000:8.1f} ms  {span.service:<{width}}  {what}"


def _without_answered_calls(spans: Sequence[Span]) -> list[Span]:
    """Return the spans without those that only sent a request to another service, whose span tells more."""
    known = {span.span_id: span for span in spans}
    answered = {
        caller.span_id: caller
        for span in spans
        if (caller := known.get(span.parent_id)) and caller.is_call and caller.service != span.service
    }
    return [
        msgspec.structs.replace(span, parent_id=answered[span.parent_id].parent_id)
        if span.parent_id in answered
        else span
        for span in spans
        if span.span_id not in answered
    ]


def _own_seconds(spans: Sequence[Span]) -> dict[str, float]:
    """Return how long each span took besides those below it."""
    below: dict[str, float] = defaultdict(float)
    for span in spans:
        below[span.parent_id] += span.seconds
    return {span.span_id: max(span.seconds - below[span.span_id], 0.0) for span in spans}


def _chosen(rows: Sequence[tuple[int, Span]], count: int) -> list[int]:
    """Return which rows are shown: those that failed or took long, and some statements, however short."""
    own_seconds = _own_seconds([span for _, span in rows])
    order = [(not span.failed, span.service == TESTS, -own_seconds[span.span_id]) for _, span in rows]
    worst = sorted(range(len(rows)), key=lambda index: order[index])
    statements = [index for index in worst if rows[index][1].statement]
    chosen = _with_ancestors(rows, worst, set(), count - STATEMENTS)
    chosen = _with_ancestors(rows, statements, chosen, count)
    return sorted(_with_ancestors(rows, worst, chosen, count))


def _with_ancestors(
    rows: Sequence[tuple[int, Span]], wanted: Sequence[int], chosen: set[int], count: int
) -> set[int]:
    """Return the chosen rows and the wanted ones, each with its ancestors, while there is room."""
    place = {span.span_id: index for index, (_, span) in enumerate(rows)}
    for index in wanted:
        path = [index]
        while (parent := place.get(rows[path[-1]][1].parent_id)) is not None and parent not in path:
            path.append(parent)
        if len(chosen | set(path)) <= count:
            chosen = chosen | set(path)
    return chosen
