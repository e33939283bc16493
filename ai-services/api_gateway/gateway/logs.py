"""Log lines: JSON for machines, text for a terminal, both with the request ID."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from contextvars import ContextVar
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="-")

PASSWORDS = re.compile(r"(://[^\s:/@]*:)[^\s@/]+(?=@)")
QUERIES = re.compile(r"(/[^\s?'\"]*\?)[^\s'\"<>)]+")


def redact(text: str) -> str:
    """Return the text with passwords and queries inside URLs replaced by ``***``."""
    return QUERIES.sub(r"\1***", PASSWORDS.sub(r"\1***", text))


def escape(text: str) -> str:
    """Return the text with escape sequences for what is not printable: no second line, no colour."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line; ``time`` is RFC 3339 in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "request_id": request_id.get(),
            "pid": record.process,
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, request ID and message on one line; the lines of a traceback are indented."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{_utc(record)} {record.levelname:<7} [{request_id.get()}] {record.name}: "
        lines = [head + escape(redact(record.getMessage()))]
        if record.exc_info:
            traceback = redact(self.formatException(record.exc_info))
            lines += [f"    {escape(line)}" for line in traceback.split("\n")]
        return "\n".join(lines)


def _utc(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def is_news(record: logging.LogRecord) -> bool:
    """Return False for what Uvicorn says of requests that are answered on purpose as they are.

    Its advice to install a WebSocket library: upgrades are ignored. Its line on an invalid request: the
    gateway logs the refusal itself, with the request's ID.
    """
    return not record.getMessage().startswith(
        ("Unsupported upgrade request", "No supported WebSocket library", "Invalid HTTP request received")
    )


def configuration(log_format: str, level: str) -> dict[str, Any]:
    """Return the ``logging.config.dictConfig``; an empty ``log_format`` is text on a terminal, else JSON."""
    text = log_format == "text" or (not log_format and sys.stderr.isatty())
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": TextFormatter if text else JsonFormatter}},
        "filters": {"news": {"()": lambda: is_news}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["news"]}},
        "root": {"level": level, "handlers": ["stderr"]},
    }
