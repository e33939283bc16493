"""Log lines: one event is one line, and holds no query and no control character."""

from __future__ import annotations

import logging

import pytest

from config import logs

FORGED = "2026-01-01T00:00:00.000Z INFO    [x] forged: all is well"
FORMATTERS = [logs.TextFormatter(), logs.JsonFormatter()]


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    information = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("shop", logging.INFO, "", 0, message, (), information)


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("control", ["\n", "\r", "\x1b[31m", "\x9b31m", "\u2028", "\u202e", "\x00"])
def test_a_message_is_one_printable_line(formatter: logging.Formatter, control: str) -> None:
    assert formatter.format(record(f"GET /api/v1/x{control}{FORGED} 404")).isprintable()


def test_a_traceback_cannot_forge_a_line() -> None:
    first, *others = (
        logs.TextFormatter().format(record("failed", ValueError(f"bad\n{FORGED}\x1b[0m"))).split("\n")
    )
    assert first.endswith("shop: failed")
    assert all(line.startswith("    ") and line.isprintable() for line in others)


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize(
    "message",
    [
        "Invalid HTTP request line: 'GET /api/v1/x?token=canary HTTP/9.9'",
        "no answer from http://backend:8000/api/v1/x?q=canary",
        'Not Found: "/api/v1/x?a=1&b=canary"',
    ],
)
def test_the_query_of_a_url_is_replaced(formatter: logging.Formatter, message: str) -> None:
    line = formatter.format(record(message))
    assert "canary" not in line
    assert "/api/v1/x?***" in line
