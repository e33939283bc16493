"""Log lines: one event is one line, and holds no query and no control character."""

from __future__ import annotations

import io
import logging
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
        assert backend.waiting.acquire(timeout=10)
        connection.sock.shutdown(socket.SHUT_RDWR)
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


def test_a_traceback_cannot_forge_a_line() -> None:
    try:
        raise ValueError("bad\n2026-01-01T00:00:00.000Z INFO    [x] forged: \x1b[31m see /a?token=canary")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (type(error), error, None))
    first, *others = logs.TextFormatter().format(record).split("\n")
    assert first.endswith("x: failed")
    assert all(line.startswith("    ") and line.isprintable() for line in others)
    assert "canary" not in "".join(others)
