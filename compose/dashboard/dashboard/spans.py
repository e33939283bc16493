"""Spans as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass

OBJECT_BYTES = 600
"""What a span takes in memory besides its name and its details, about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One operation. Times are nanoseconds since the epoch; ``details`` is JSON: attributes and events."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    failed: bool
    details: str

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, about."""
        return OBJECT_BYTES + len(self.name) + len(self.details)
