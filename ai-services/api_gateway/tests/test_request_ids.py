"""The request ID: accepted or created, forwarded, returned, and on every log line."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest

from gateway import logs
from tests.backend import Backend
from tests.conftest import Gateway


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Capture the JSON log lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_an_id_is_forwarded_and_logged(gateway: Gateway, backend: Backend, lines: io.StringIO) -> None:
    response, _ = gateway.request(
        "GET", "/api/v1/x?token=hidden", headers={"X-Request-ID": "order/7:a=b@c+d"}
    )
    gateway.stop()
    assert response.headers.get_all("X-Request-ID") == ["order/7:a=b@c+d"]
    assert dict(backend.seen[-1]["headers"])["x-request-id"] == "order/7:a=b@c+d"
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines() if "gateway.access" in text]
    assert (line["request_id"], line["method"], line["path"], line["status"]) == (
        "order/7:a=b@c+d",
        "GET",
        "/api/v1/x",
        200,
    )
    assert line["duration_ms"] > 0 and line["bytes"] == 16
    assert "hidden" not in lines.getvalue()


def test_a_failure_is_logged_under_its_id(gateway: Gateway, lines: io.StringIO) -> None:
    gateway.request("GET", "/api/v1/breaks", headers={"X-Request-ID": "broken-1"})
    gateway.stop()
    loggers = [json.loads(t)["logger"] for t in lines.getvalue().splitlines() if "broken-1" in t]
    assert loggers == ["gateway.proxy", "gateway.access"]


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, "<script>", "caf\xe9"])
def test_an_unsafe_id_is_replaced(gateway: Gateway, backend: Backend, bad: str) -> None:
    response, _ = gateway.request("GET", "/api/v1/x", headers={"X-Request-ID": bad.encode("latin-1")})
    created = response.headers["X-Request-ID"]
    assert len(created) == 32 and created.isalnum()
    assert [v for n, v in backend.seen[-1]["headers"] if n == "x-request-id"] == [created]


def test_the_backend_cannot_change_the_id(gateway: Gateway) -> None:
    response, _ = gateway.request("GET", "/api/v1/hops", headers={"X-Request-ID": "mine"})
    assert response.headers.get_all("X-Request-ID") == ["mine"]


def test_two_requests_get_two_ids(gateway: Gateway) -> None:
    ids = {gateway.request("GET", "/health")[0].headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize("formatter", [logs.JsonFormatter(), logs.TextFormatter()])
def test_passwords_in_urls_are_redacted(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "no redis://u:%s@h/0", ("secret",), None)
    assert "secret" not in formatter.format(record)
    assert "redis://u:***@h/0" in formatter.format(record)


@pytest.mark.parametrize(
    ("log_format", "formatter"), [("text", logs.TextFormatter), ("json", logs.JsonFormatter)]
)
def test_the_format_can_be_chosen(log_format: str, formatter: type) -> None:
    assert logs.configuration(log_format, "INFO")["formatters"]["line"]["()"] is formatter
