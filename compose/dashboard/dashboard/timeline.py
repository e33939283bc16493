"""The timeline of a run (``timeline.jsonl``): what became of its services, one event a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""Later moments have no date."""


class UnknownRun(LookupError):
    """There is no run of that name, or none that can be read."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A line of the timeline; ``at`` is seconds since the epoch, a word is "" where the line has none."""

    at: float
    kind: str
    service: str
    state: str
    text: str


def events(run: Path) -> Iterator[Event]:
    """Yield the events of a run; the last line may be half written, one of another version may be anything.

    Raises:
        UnknownRun: its record cannot be read: only the last runs are kept.
    """
    try:
        lines = (run / "timeline.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UnknownRun(f"The run {run.name!r} cannot be read: {error.strerror}.") from None
    for event in filter(None, map(json_object, lines)):
        at = event.get("at")
        if isinstance(at, (int, float)) and 0 <= at < END_OF_TIME:
            words = {name: str(event.get(name, "")) for name in ("kind", "service", "state", "text")}
            yield Event(at=at, **words)


def json_object(text: str) -> dict[str, Any]:
    """Return a JSON object, an empty one where the text is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
