"""The traces of a run's failed tests, as the recorder gave them before it ended with its stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from stack.errors import StateUnreadable
from stack.records import record_file

FILE = "traces.json"
CLIENT = 3
"""``SPAN_KIND_CLIENT`` of OpenTelemetry's protocol."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of a service. Times are nanoseconds since the epoch; ``parent_id`` is "" at the root."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: int = 0
    start_ns: int
    end_ns: int
    failed: bool
    details: dict[str, Any] = {}

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def identity(self) -> tuple[str, str]:
        """Return what no other span of its trace has: some tracers give both ends of a call one id."""
        return self.service, self.span_id

    @property
    def statement(self) -> str:
        """The SQL or the command of a store, "" where it is none."""
        return self._attribute("db.query.text", "db.statement")

    @property
    def status(self) -> str:
        """The status of the HTTP answer, "" where it is none."""
        return self._attribute("http.response.status_code", "http.status_code")

    @property
    def is_call(self) -> bool:
        """Whether it is a request to another service."""
        return self.kind == CLIENT

    def _attribute(self, *names: str) -> str:
        """Return the value of the first of these attributes that it has: they were renamed once."""
        attributes = self.details.get("attributes")
        return str(next(filter(None, map(attributes.get, names)), "") if isinstance(attributes, dict) else "")


Traces = Mapping[str, Sequence[Span]]
"""Spans by the id of their trace."""


def write(run: Path, traces: Traces) -> None:
    """Store the traces in the run's folder."""
    record_file.write(run / FILE, dict(traces))


def read(run: Path) -> dict[str, list[Span]]:
    """Return the traces of a run; none where nothing was recorded."""
    try:
        return record_file.read(run / FILE, dict[str, list[Span]])
    except (OSError, StateUnreadable):
        return {}


def tree(spans: Sequence[Span]) -> list[tuple[int, Span]]:
    """Return the spans with their depth, each below its parent, in the order in which they began.

    A span whose parent is missing is a root; spans that are their own ancestors are roots, too.
    """
    ids = {span.span_id for span in spans}
    below: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda each: each.start_ns):
        below.setdefault(span.parent_id if span.parent_id in ids else "", []).append(span)
    rows: list[tuple[int, Span]] = []
    done: set[tuple[str, str]] = set()
    left = [(0, span) for span in reversed(spans)]  # those on a circle, which no root leads to
    stack = [*left, *((0, span) for span in reversed(below.get("", [])))]
    while stack:
        depth, span = stack.pop()
        if span.identity not in done:
            done.add(span.identity)
            rows.append((depth, span))
            stack += [(depth + 1, each) for each in reversed(below.get(span.span_id, []))]
    return rows


def services(spans: Iterable[Span]) -> list[str]:
    """Return the services of some spans, each once, in the order in which they came."""
    return list(dict.fromkeys(span.service for span in spans))
