"""A trace as people read it in a terminal: which service did what, with SQL and times, in a few lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from stack.display.terminal import plain
from stack.records import traces
from stack.records.traces import Span

TESTS = "integration-tests"
"""The service of the tests' own spans: what the shop's services did is worth a line before them."""
LIMIT = 15
WIDTH = 150


def lines(title: str, spans: Sequence[Span], *, limit: int = LIMIT) -> list[str]:
    """Return a trace as at most ``limit`` lines: those that failed or took long, with what led to them."""
    rows = traces.tree(spans)
    chosen = _chosen(rows, limit - 1)
    left_out = len(rows) - len(chosen)
    if left_out:
        chosen = _chosen(rows, limit - 2)
        left_out = len(rows) - len(chosen)
    width = max((len(rows[index][1].service) for index in chosen), default=0)
    head = f"trace of {title}: {len(rows)} {'span' if len(rows) == 1 else 'spans'}, {rows[0][1].trace_id}"
    more = [f"  and {left_out} shorter {'span' if left_out == 1 else 'spans'}"] if left_out else []
    return [plain(each)[:WIDTH] for each in (head, *(_line(*rows[i], width) for i in chosen), *more)]


def label(span: Span) -> str:
    """Return what a span did: its statement, without the columns that it selects, else its name."""
    statement = _without_columns(" ".join(span.statement.split()))
    return statement if statement.startswith(span.name) else f"{span.name} {statement}".rstrip()


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


def _chosen(rows: Sequence[tuple[int, Span]], count: int) -> list[int]:
    """Return which rows are shown: the worst ones, each with its ancestors while there is room."""
    if len(rows) <= count:
        return list(range(len(rows)))
    place = {span.span_id: index for index, (_, span) in enumerate(rows)}
    order = [(not span.failed, span.service == TESTS, -span.seconds) for _, span in rows]
    worst = sorted(range(len(rows)), key=lambda index: order[index])
    chosen: set[int] = set()
    for index in worst:
        path = [index]
        while (parent := place.get(rows[path[-1]][1].parent_id)) is not None and parent not in path:
            path.append(parent)
        if len(chosen | set(path)) <= count:
            chosen |= set(path)
    return sorted(chosen)
