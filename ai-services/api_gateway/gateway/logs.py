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

PASSWORDS_IN_URLS = re.compile(r"(://[^\s:/@]*:)[^\s@/]+(?=@)")


def redact(text: str) -> str:
    """Return the text with the passwords inside URLs replaced by ``***``."""
    return PASSWORDS_IN_URLS.sub(r"\1***", text)


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
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, request id and message on one line."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{_utc(record)} {record.levelname:<7} [{request_id.get()}] {record.name}: "
        line = head + redact(record.getMessage())
        return f"{line}\n{redact(self.formatException(record.exc_info))}" if record.exc_info else line


def _utc(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def configuration(log_format: str, level: str) -> dict[str, Any]:
    """Return the ``logging.config.dictConfig``; an empty ``log_format`` is text on a terminal, else JSON."""
    text = log_format == "text" or (not log_format and sys.stderr.isatty())
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": TextFormatter if text else JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
    }
