"""The services' logs of a run: the last lines that fit a filter, read from the end of each file.

A line is ``2026-01-31T12:00:00.123Z text``; a text that is a JSON object has a level,
a request id, a trace id. The level of any other text is known by its words, as for `inv logs --level`.
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK_BYTES = 1 << 16
LINE_LIMIT = 8_000
"""Characters of one line that are shown."""
SCANNED_BYTES = 64 << 20
"""How far back one question looks in a file."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a line must have; what is empty admits every line.

    ``before`` and ``after`` are times of lines, both included. Of the last lines at ``before`` so many were
    ``seen``: what a service writes at once has one time.
    """

    services: tuple[str, ...] = ()
    words: str = ""
    level: str = ""
    identity: str = ""
    before: str = ""
    after: str = ""
    seen: int = 0

    def admits(self, stamp: str, text: str) -> bool:
        if self.before and stamp > self.before:
            return False
        if self.words and self.words.lower() not in text.lower():
            return False
        if self.identity and self.identity not in text:
            return False
        return not self.level or _level(text) in _AT_LEAST[self.level]


_SEVERE = re.compile(
    r"\b(?:ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback|^\w*(?:Error|Exception):"
    r"|\blevel=(?:error|crit|fatal|panic)"  # logfmt: Prometheus, Grafana
)
_WARNING = re.compile(r"\b(?:WARN|WARNING)\b|\blevel=warn")
LEVELS = ("debug", "info", "warning", "error", "critical")
_OTHER_NAMES = {"warn": "warning", "fatal": "critical"}
_AT_LEAST = {name: frozenset(LEVELS[index:]) for index, name in enumerate(LEVELS)}


def last(run: Path, chosen: Filter, *, limit: int = 200) -> list[dict[str, Any]]:
    """Return the last lines of all services that the filter admits, the oldest of them first."""
    services = sorted(file.stem for file in (run / "logs").glob("*.log"))
    sources = [
        _backwards(run / "logs" / name, name, chosen)
        for name in services
        if not chosen.services or name in chosen.services
    ]
    newest = heapq.merge(*sources, key=lambda row: row[0], reverse=True)
    unseen = itertools.filterfalse(_counted(chosen), newest)
    rows = list(itertools.islice(unseen, limit))
    return [_shown(*row) for row in reversed(rows)]


def _counted(chosen: Filter) -> Callable[[tuple[str, str, str]], bool]:
    """Return what is true of the first rows at ``chosen.before``, as many as were seen."""
    left = itertools.count(chosen.seen, -1)
    return lambda row: row[0] == chosen.before and next(left) > 0


def _backwards(stem: Path, service: str, chosen: Filter) -> Iterator[tuple[str, str, str]]:
    """Yield the wanted lines of a log and of the older file that it had when it was full."""
    for line in itertools.chain(_lines_backwards(stem, ".log"), _lines_backwards(stem, ".log.1")):
        stamp, _, text = line.partition(" ")
        if stamp < chosen.after:
            return
        if chosen.admits(stamp, text):
            yield stamp, service, text


def _lines_backwards(stem: Path, suffix: str) -> Iterator[str]:
    try:
        source = stem.with_name(f"{stem.name}{suffix}").open("rb")
    except (FileNotFoundError, IsADirectoryError, PermissionError):  # it has not been full yet, or is none
        return
    with source:
        position = source.seek(0, os.SEEK_END)
        floor, rest = max(position - SCANNED_BYTES, 0), b""
        while position > floor:
            size = min(BLOCK_BYTES, position)
            position -= size
            source.seek(position)
            first, *lines = (source.read(size) + rest).split(b"\n")
            rest = first
            yield from (line.decode(errors="replace") for line in reversed(lines) if line)
        if rest and position == 0:
            yield rest.decode(errors="replace")


def _level(text: str) -> str:
    level = _record(text).get("level")
    if level and isinstance(level, str):
        name = level.lower()
        return _OTHER_NAMES.get(name, name if name in LEVELS else "info")
    if _SEVERE.search(text):
        return "error"
    return "warning" if _WARNING.search(text) else "info"


def _record(text: str) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return record


def _shown(stamp: str, service: str, text: str) -> dict[str, Any]:
    record = _record(text)
    return {
        "at": stamp,
        "service": service,
        "level": _level(text),
        "text": _shortened(_message(record, text)),
        "exception": _shortened(str(record.get("exception", ""))),
        "request_id": str(record.get("request_id", "")).strip("-"),
        "trace_id": str(record.get("trace_id", "")).strip("-"),
    }


def _message(record: dict[str, Any], text: str) -> str:
    """Return what a line says, with how long that took, as `inv logs` prints it."""
    message, took_ms = str(record.get("message", text)), record.get("duration_ms")
    is_new = "message" in record and took_ms is not None and " ms" not in message
    return f"{message} {took_ms} ms" if is_new else message


def _shortened(text: str) -> str:
    more = len(text) - LINE_LIMIT
    return text if more <= 0 else f"{text[:LINE_LIMIT]}… and {more} more characters"
