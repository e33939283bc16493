"""Log lines: JSON for machines, one readable line for a terminal, the request's id on each."""

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


def mask(text: str) -> str:
    """Answer the text without the passwords of the URLs in it."""
    return PASSWORDS_IN_URLS.sub(r"\1***", text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line; ``time`` is RFC 3339 in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask(record.getMessage()),
            "request_id": request_id.get(),
            "pid": record.process,
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, request id and message on one line."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{_utc(record)} {record.levelname:<7} [{request_id.get()}] {record.name}: "
        line = head + mask(record.getMessage())
        return f"{line}\n{mask(self.formatException(record.exc_info))}" if record.exc_info else line


def _utc(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


def configuration(chosen: str, level: str) -> dict[str, Any]:
    """Answer the ``logging.config.dictConfig``; ``chosen`` is ``json``, ``text`` or empty: who is reading?"""
    text = chosen == "text" or (not chosen and sys.stderr.isatty())
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": TextFormatter if text else JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
    }
