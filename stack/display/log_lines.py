"""Lines of services' logs as people read them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from stack.display.terminal import paint, plain

LIMIT = 300
TRACEBACK_LINES = 3
NOT_STRUCTURED = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What decoding a line raises that is no JSON object, or one that is nested too deeply."""
_WARNINGS = frozenset({"warning", "error", "critical", "fatal"})
_PLAIN_WARNING = re.compile(
    r"\b(?:WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback|^\w*(?:Error|Exception):"
    r"|\blevel=(?:warn|error|crit|fatal|panic)"  # logfmt: Prometheus, Grafana
)
_FRAME = re.compile(r"^\s*File ")
_LIBRARY = re.compile(r"site-packages|/lib/python\d|<frozen ")
_POINTER = re.compile(r"^[\s~^]+$")
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


def fields(text: str) -> dict[str, Any]:
    """Return what a structured line (a JSON object) says, nothing for any other line."""
    if not text.startswith("{"):
        return {}
    try:
        record: dict[str, Any] = msgspec.json.decode(text)
    except NOT_STRUCTURED:
        return {}
    return record


def readable(text: str) -> str:
    """Return a structured log line (JSON with a ``message``) as a sentence, its exception in the lines below.

    Any other line is returned unchanged.
    """
    record = fields(text)
    if "message" not in record:
        return text
    level, message = str(record.get("level", "")), str(record["message"])
    identity = _request_id(record)
    extra = [f"{record['duration_ms']} ms"] if "duration_ms" in record and " ms" not in message else []
    extra += [f"[{identity}]"] if identity else []
    sentence = " ".join([f"{level:<7}", message, *extra])
    return f"{sentence}\n{record['exception']}" if "exception" in record else sentence


def is_warning(text: str) -> bool:
    """Return whether a log line is a warning, an error or an exception of its service."""
    record = fields(text)
    if not record:
        return bool(_PLAIN_WARNING.search(text))
    return "exception" in record or str(record.get("level", "")).lower() in _WARNINGS


def request_id(text: str) -> str:
    """Return the id of the request that a structured log line is about, "" where there is none."""
    return _request_id(fields(text))


def _request_id(record: dict[str, Any]) -> str:
    return str(record.get("request_id", "")).strip("-")


def excerpt(rows: Sequence[tuple[str, str, str]], limit: int = LIMIT) -> str:
    """Return the last lines of a merged log, at most ``limit``."""
    lines = [line for row in rows[-limit:] for line in format_entry(*row).split("\n")]
    has_more = max(len(rows), len(lines)) > limit
    head = [f"(the last {limit} lines; those before them are left out)"] if has_more else []
    return "\n".join([*head, *lines[-limit:]])


def evidence(line: str) -> list[str]:
    """Return a log line as lines of at most 200 characters; a traceback is shortened."""
    return shortened(readable(line).splitlines())


def shortened(lines: Sequence[str]) -> list[str]:
    """Return the first line of a traceback, its last frame outside of libraries, and its exception.

    Of other lines the first and the last ones.
    """
    shown = [line[:200] for line in lines if not _POINTER.match(line)]
    if len(shown) <= 1 + TRACEBACK_LINES:
        return shown
    frames = [number for number, line in enumerate(shown) if _FRAME.match(line)]
    if not frames:
        return [shown[0], "  ...", *shown[-TRACEBACK_LINES:]]
    own = [number for number in frames if not _LIBRARY.search(shown[number])]
    frame = (own or frames)[-1]
    exception = next((line for line in shown[frames[-1] + 1 :] if line[:1].strip()), shown[-1])
    return [shown[0], "  ...", *shown[frame : frame + 2], exception]
