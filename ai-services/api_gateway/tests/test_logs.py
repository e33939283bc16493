"""Log lines: one event is one line, and holds no query and no control character."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import os
import socket
from collections.abc import Iterator

import pytest

from gateway import logs
from tests.backend import Backend
from tests.conftest import Gateway


@pytest.fixture(params=[logs.TextFormatter, logs.JsonFormatter])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Capture the log lines in each format."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("path", ["x", "breaks", "breaks-in-the-middle", "invalid", "upgrades", "waits"])
def test_the_query_of_a_url_is_logged_nowhere(
    gateway: Gateway, backend: Backend, lines: io.StringIO, path: str
) -> None:
    connection = gateway.connect()
    connection.request("GET", f"/api/v1/{path}?token=canary&q=canary", headers={"X-Request-ID": "r1"})
    if path == "waits":
        assert backend.waiting.acquire(timeout=60)
        connection.sock.shutdown(socket.SHUT_RDWR)
        backend.release.set()
    else:
        connection.getresponse()
    connection.close()
    gateway.stop()
    assert "r1" in lines.getvalue()
    assert "canary" not in lines.getvalue()


@pytest.mark.parametrize("escape", ["%0a", "%0d", "%1b[31m", "%c2%9b31m", "%e2%80%a8", "%e2%80%ae", "%00"])
def test_a_path_cannot_forge_a_line(gateway: Gateway, lines: io.StringIO, escape: str) -> None:
    gateway.request("GET", f"/api/v1/x{escape}forged", headers={"X-Request-ID": "r1"})
    gateway.stop()
    (line,) = [line for line in lines.getvalue().splitlines() if "forged" in line]
    assert "r1" in line and line.isprintable()
    assert not line.startswith("{") or json.loads(line)["remote"] == "127.0.0.1"


def test_a_traceback_cannot_forge_a_line() -> None:
    try:
        raise ValueError("bad\n2026-01-01T00:00:00.000Z INFO    [x] forged: \x1b[31m see /a?token=canary")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (type(error), error, None))
    first, *others = logs.TextFormatter().format(record).split("\n")
    assert first.endswith("x: failed")
    assert all(line.startswith("    ") and line.isprintable() for line in others)
    assert "canary" not in "".join(others)


def record(message: str = "hello", **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("gateway.x", logging.WARNING, "", 0, message, (), None)
    made.created, made.msecs = 1_700_000_000.007, 7.9
    made.fields = fields
    return made


def test_a_line_for_machines_is_json_with_its_fields() -> None:
    line = json.loads(logs.JsonFormatter().format(record(status=200)))
    assert line.pop("pid") == os.getpid()
    assert line == {
        "time": "2023-11-14T22:13:20.007Z",
        "level": "warning",
        "logger": "gateway.x",
        "message": "hello",
        "request_id": logs.request_id.get(),
        "status": 200,
    }


def test_a_line_for_people_has_time_level_request_and_logger() -> None:
    expected = f"2023-11-14T22:13:20.007Z WARNING [{logs.request_id.get()}] gateway.x: hello"
    assert logs.TextFormatter().format(record()) == expected


def test_a_failure_is_told_in_full_to_machines() -> None:
    try:
        raise ValueError("at http://u:secret@h/?token=canary")
    except ValueError as error:
        failed = record()
        failed.exc_info = (type(error), error, None)
    line = json.loads(logs.JsonFormatter().format(failed))
    assert "ValueError: at http://u:***@h/?***" in line["exception"]
    assert "exception" not in json.loads(logs.JsonFormatter().format(record()))


@pytest.mark.parametrize(
    ("log_format", "is_terminal", "formatter"),
    [
        ("", True, logs.TextFormatter),
        ("", False, logs.JsonFormatter),
        ("text", False, logs.TextFormatter),
        ("json", True, logs.JsonFormatter),
    ],
)
def test_people_get_text_and_machines_json(
    monkeypatch: pytest.MonkeyPatch, log_format: str, is_terminal: bool, formatter: type
) -> None:
    monkeypatch.setattr(logs.sys.stderr, "isatty", lambda: is_terminal)
    configuration = logs.configuration(log_format, "INFO")
    assert configuration["formatters"]["line"]["()"] is formatter
    assert configuration["root"] == {"level": "INFO", "handlers": ["stderr"]}
    assert configuration["disable_existing_loggers"] is False


@pytest.mark.parametrize(
    ("message", "is_logged"),
    [
        ("Unsupported upgrade request.", False),
        ("No supported WebSocket library detected.", False),
        ("Invalid HTTP request received.", False),
        ("Unsupported", True),
    ],
)
def test_what_uvicorn_says_of_requests_that_the_gateway_answers_itself_is_not_logged(
    message: str, is_logged: bool
) -> None:
    assert logs.is_news(record(message)) is is_logged


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """Give the root logger, and its handlers and its level back at the end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


def test_the_configuration_writes_lines_of_its_level_without_advice_to_stderr(
    root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.config.dictConfig(logs.configuration("json", "WARNING"))
    access = logging.getLogger("gateway.access")
    access.info("too low")
    access.warning("Unsupported upgrade request.")
    access.warning("written")
    assert root_logger.level == logging.WARNING
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "written"
