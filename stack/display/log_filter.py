"""Which lines of services' logs are wanted: by a pattern, a level, a request's or a trace's id."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from stack.display import log_lines
from stack.errors import InvalidOption

LEVELS = ("debug", "info", "warning", "error", "critical")
_SPECIAL = frozenset(r".^$*+?{}[]\|()")
"""The characters that are not themselves in a regular expression."""
_OTHER_NAMES = {"warn": "warning", "fatal": "critical"}
_SEVERE = re.compile(
    r"\b(?:ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback|^\w*(?:Error|Exception):"
    r"|\blevel=(?:error|crit|fatal|panic)"  # logfmt
)


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a structured line says of itself; other keys of the line are left out."""

    level: str = ""
    request_id: str = ""
    trace_id: str = ""


_decode = msgspec.json.Decoder(Entry).decode


def entry(text: str) -> Entry | None:
    """Return what a structured line says of itself, None for any other line."""
    if not text.startswith("{"):
        return None
    try:
        return _decode(text)
    except log_lines.NOT_STRUCTURED:
        return None


def level(text: str) -> str:
    """Return the level of a line, one of ``LEVELS``; that of a plain line is known by its words."""
    structured = entry(text)
    if structured is not None and structured.level:
        return _known(structured.level.lower())
    if _SEVERE.search(text):
        return "error"
    return "warning" if log_lines.is_warning(text) else "info"


def _known(name: str) -> str:
    return _OTHER_NAMES.get(name, name if name in LEVELS else "info")


@dataclass(frozen=True, kw_only=True)
class LogFilter:
    """What a line must have; what is empty admits every line.

    ``literal`` is the pattern where it is nothing but a text in ASCII.
    """

    pattern: re.Pattern[str] | None = None
    literal: bytes = b""
    least: str = ""
    request_id: str = ""
    trace_id: str = ""

    def admits(self, text: str) -> bool:
        """Return whether a line with this text is wanted; the cheap questions are asked first."""
        return (
            self.request_id in text
            and self.trace_id in text
            and (self.pattern is None or _has(self.pattern, text))
            and (not (self.request_id or self.trace_id) or self._has_ids(text))
            and (not self.least or LEVELS.index(level(text)) >= LEVELS.index(self.least))
        )

    def may_have(self, block: bytes) -> bool:
        """Return whether one of the lines of a block may be wanted."""
        ids = (self.request_id.encode(), self.trace_id.encode())
        return all(each in block for each in ids) and self._may_match(block)

    def _may_match(self, block: bytes) -> bool:
        """Return False where no line has the literal, not by an escape nor in another case either."""
        if not self.literal or self.pattern is None or b"\\" in block:
            return True
        if not self.pattern.flags & re.IGNORECASE:
            return self.literal in block
        return not block.isascii() or self.literal in block.lower()

    def _has_ids(self, text: str) -> bool:
        """Return whether the line is of that request and trace; a plain line must have them as words."""
        structured = entry(text)
        if structured is None:
            return all(
                re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", text)
                for each in (self.request_id, self.trace_id)
                if each
            )
        return self.request_id in ("", structured.request_id) and self.trace_id in ("", structured.trace_id)


def _has(pattern: re.Pattern[str], text: str) -> bool:
    """Search a line as its service wrote it and, where it has escapes, as it is shown."""
    return bool(pattern.search(text) or ("\\" in text and pattern.search(log_lines.readable(text))))


def make(*, grep: str = "", least: str = "", request_id: str = "", trace_id: str = "") -> LogFilter:
    """Return the filter of these options; a ``grep`` without a capital letter ignores case.

    Raises:
        InvalidOption: ``grep`` is no regular expression, or ``least`` no level.
    """
    lowest = _OTHER_NAMES.get(least.lower(), least.lower())
    if least and lowest not in LEVELS:
        raise InvalidOption(f"--level {least!r} is no level.", hint=f"Levels: {', '.join(LEVELS)}.")
    try:
        pattern = re.compile(grep, 0 if grep != grep.lower() else re.IGNORECASE) if grep else None
    except re.error as error:
        raise InvalidOption(
            f"--grep {grep!r} is no regular expression: {error}.",
            hint="Put a backslash before a character that stands for itself, for example \\( or \\[.",
        ) from error
    literal = grep.encode() if grep.isascii() and _SPECIAL.isdisjoint(grep) else b""
    return LogFilter(pattern=pattern, literal=literal, least=lowest, request_id=request_id, trace_id=trace_id)
