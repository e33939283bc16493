"""The snapshots of a run's stack, as its commands recorded them last (``snapshots.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "snapshots.json"


def of_run(run: Path) -> list[dict[str, Any]]:
    """Return name, time, size and branch of each snapshot, the newest first; none where nothing is recorded.

    What another version wrote is shown as far as it can be read.
    """
    try:
        recorded = json.loads((run / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    entries = [entry for entry in recorded if isinstance(entry, dict)] if isinstance(recorded, list) else []
    shown = [_shown(entry) for entry in entries if _is_number(entry.get("created"))]
    return sorted(shown, key=lambda each: each["created"], reverse=True)


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    size = entry.get("size_bytes")
    return {
        "name": str(entry.get("name", "")),
        "created": entry["created"],
        "size_bytes": size if _is_number(size) else None,
        "branch": str(entry.get("branch", "")),
    }


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
