"""Lines of services' logs as people read them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stack.display.terminal import paint, plain

LIMIT = 300
TRACEBACK_LINES = 3
_WARNINGS = frozenset({"warning", "error", "critical", "fatal"})
_PLAIN_WARNING = re.compile(
    r"\b(?:WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback|^\w*(?:Error|Exception):"
)
_NAMES = ("36", "33", "35", "34", "32", "96", "95", "94")


def format_entry(stamp: str, service: str, text: str) -> str:
    """Return a record of a merged log; each of its lines begins with the service's name in its colour."""
    return _format(stamp, _painted(service), text)


def format_rows(rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Yield the records of a merged log, each as ``format_entry`` returns it."""
    names: dict[str, str] = {}
    for stamp, service, text in rows:
        if service not in names:
            names[service] = _painted(service)
        yield _format(stamp, names[service], text)


def _painted(service: str) -> str:
    return paint(f"{service:<12} |", _NAMES[sum(service.encode()) % len(_NAMES)], sys.stdout)


def _format(stamp: str, name: str, text: str) -> str:
    shown = plain(readable(text))
    if "\n" not in shown:
        return f"{stamp[11:23]} {name} {shown}"
    first, *rest = shown.split("\n")
    return "\n".join([f"{stamp[11:23]} {name} {first}", *(f"{'':12} {name} {line}" for line in rest)])


def readable(text: str) -> str:
    """Return a structured log line (JSON with a ``message``) as a sentence, its exception in the lines below.

    Any other line is returned unchanged.
    """
    if not text.startswith("{"):
        return text
    try:
        record = msgspec.json.decode(text)
        level, message = str(record.get("level", "")), str(record["message"])
    except (msgspec.MsgspecError, UnicodeError, KeyError):
        return text
    identity = record.get("request_id", "-")
    extra = [f"{record['duration_ms']} ms"] if "duration_ms" in record and " ms" not in message else []
    extra += [f"[{identity}]"] if identity not in {"-", ""} else []
    sentence = " ".join([f"{level:<7}", message, *extra])
    return f"{sentence}\n{record['exception']}" if "exception" in record else sentence


def is_warning(text: str) -> bool:
    """Return whether a log line is a warning, an error or an exception of its service."""
    if not text.startswith("{"):
        return bool(_PLAIN_WARNING.search(text))
    try:
        record = msgspec.json.decode(text)
        return "exception" in record or str(record.get("level", "")).lower() in _WARNINGS
    except (msgspec.MsgspecError, UnicodeError):
        return False


def excerpt(rows: Sequence[tuple[str, str, str]], limit: int = LIMIT) -> str:
    """Return the last lines of a merged log, at most ``limit``."""
    lines = [line for row in rows[-limit:] for line in format_entry(*row).split("\n")]
    has_more = max(len(rows), len(lines)) > limit
    head = [f"(the last {limit} lines; those before them are left out)"] if has_more else []
    return "\n".join([*head, *lines[-limit:]])


def evidence(line: str) -> list[str]:
    """Return a log line as lines of at most 200 characters: of a traceback the first and the last ones."""
    parts = [part[:200] for part in readable(line).splitlines()]
    return parts if len(parts) <= 1 + TRACEBACK_LINES else [parts[0], "...", *parts[-TRACEBACK_LINES:]]
