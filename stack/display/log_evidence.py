"""The lines of a service's log that show why it failed: tracebacks shortened, what stood before them kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from stack.display import log_lines
from stack.records import log_reader
from stack.records.service_logs import stamp_of
from stack.records.timeline import Event

SHOWN_LINES = 20
OUTSIDE_LINES = 6
READ_LINES = 2000
TRACEBACK = "Traceback (most recent call last):"
LEVELS = ("warning ", "error ", "critical ")
"""How a structured line begins, as a sentence."""

MARGIN_S = 0.1
"""The log of a service may be written a moment after its end was seen."""

_END_OF_TRACEBACK = re.compile(r"^\S")
_NUMBER = re.compile(r"\d+")
_SEVERE = re.compile(r"\b(?:ERROR|CRITICAL|FATAL|PANIC)\b")
_CONSEQUENCE = re.compile(r"^(?:gunicorn\.errors\.)?HaltServer\b")
"""Gunicorn's own exception after a worker has failed: a consequence, never the cause."""


def of_event(event: Event, run: Path) -> list[str]:
    """Return the last lines of the service's log up to the event, or those that the event itself carries."""
    until = stamp_of(event.at + MARGIN_S)
    with log_reader.opened(run, [event.service]) as logs:
        recorded = [text for _, _, text in log_reader.last(logs, READ_LINES, until=until)]
    return last_lines(recorded or event.evidence.splitlines())


def outside_of_requests(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return the first tracebacks and errors that services logged outside of requests, each with its service.

    A worker that has died answers no request that could show it. ``rows`` are a merged log.
    """
    texts: dict[str, list[str]] = {}
    for _, service, text in rows:
        if not text.startswith("{") or (log_lines.is_warning(text) and not log_lines.request_id(text)):
            texts.setdefault(service, []).append(text)
    lines = [
        f"{service} | {line}"
        for service, own in texts.items()
        for block in _blocks(own)
        if block[0].strip() == TRACEBACK or _SEVERE.search(block[0]) or block[0].startswith(LEVELS)
        for line in log_lines.shortened(block)
    ]
    first = {_NUMBER.sub("#", line): line for line in reversed(lines)}  # the same with other numbers: once
    return [line for line in dict.fromkeys(lines) if first[_NUMBER.sub("#", line)] == line][:OUTSIDE_LINES]


def last_lines(lines: Sequence[str], limit: int = SHOWN_LINES) -> list[str]:
    """Return at most ``limit`` lines, the last ones after every traceback was shortened."""
    blocks = list(_blocks(lines))
    causes = [block for block in blocks if not _CONSEQUENCE.match(block[-1])]
    shown = [line for block in causes or blocks for line in log_lines.shortened(block)]
    return shown[-limit:]


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield each traceback, with the exception that ends it, as one block; any other line by itself.

    A structured line is its sentence and its exception.
    """
    block: list[str] = []
    for text in lines:
        for line in log_lines.readable(text).splitlines() or [""]:
            if line.strip() == TRACEBACK:
                if block:
                    yield block
                block = [line]
            elif not block:
                yield [line]
            else:
                block.append(line)
                if _END_OF_TRACEBACK.match(line):
                    yield block
                    block = []
    if block:
        yield block
