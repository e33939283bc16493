"""Log lines: JSON for machines, one readable line for a terminal. Imports nothing of Django.

The gunicorn master and the Django workers share this module, so that every line of the service has
one shape and carries the id of the request it belongs to.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from config.tracing import current_trace_id

request_id: ContextVar[str] = ContextVar("request_id", default="-")

# Passwords inside URLs, and values of names that hold secrets.
SECRETS = re.compile(
    r"(?P<url>://[^\s:/@]*:)[^\s@/]+(?=@)"
    r"|(?P<name>\b(?:password|passwd|secret(?:_key)?|token|authorization|api[_-]?key)\b[\"']?\s*[=:]\s*"
    r"(?:bearer\s+)?[\"']?)[^\s\"',;&]+",
    re.IGNORECASE,
)


QUERIES = re.compile(r"(/[^\s?'\"]*\?)[^\s'\"<>)]+")


def redact(text: str) -> str:
    """Return the text with every secret, and the query of every URL, replaced by `***`."""
    return QUERIES.sub(r"\1***", SECRETS.sub(lambda match: f"{match['url'] or match['name']}***", text))


def escape(text: str) -> str:
    """Return the text with escape sequences for what is not printable: no second line, no colour."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line; `time` is RFC 3339 in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "request_id": getattr(record, "request_id", None) or request_id.get(),
            "pid": record.process,
        }
        if trace_id := current_trace_id():
            line["trace_id"] = trace_id
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, request id and message on one line; the lines of a traceback are indented."""

    def format(self, record: logging.LogRecord) -> str:
        identity = getattr(record, "request_id", None) or request_id.get()
        head = f"{_utc(record)} {record.levelname:<7} [{identity}] {record.name}: "
        lines = [head + escape(redact(record.getMessage()))]
        if record.exc_info:
            traceback = redact(self.formatException(record.exc_info))
            lines += [f"    {escape(line)}" for line in traceback.split("\n")]
        return "\n".join(lines)


def _utc(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


@lru_cache(maxsize=1)
def _second(since_epoch: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since_epoch))


def wants_text() -> bool:
    """Return whether a person reads: LOG_FORMAT=text, or no LOG_FORMAT and stderr is a terminal."""
    chosen = os.environ.get("LOG_FORMAT", "")
    return chosen == "text" or (not chosen and sys.stderr.isatty())


def configuration(level: str = "INFO") -> dict[str, Any]:
    """Return the `logging.config.dictConfig` of the whole service."""
    formatter = TextFormatter if wants_text() else JsonFormatter
    quiet = {"level": "INFO", "handlers": ["stderr"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": quiet,
            "gunicorn.access": quiet,
            "django": {"level": "INFO", "handlers": [], "propagate": True},
            "django.request": {"level": "ERROR"},  # the access log has every 4xx already
        },
    }
