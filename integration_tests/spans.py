"""Each test is the root span of a trace: its id is in the report, and in the log lines of the services.

Requests that the services are told not to record are spans of the tests: those of most buyers of a crowd, the
repeated questions of a wait, and what tidies up.

Where OTEL_EXPORTER_OTLP_ENDPOINT names a receiver, the spans of all tests are sent to it at the end, as
OTLP in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest
import requests

from shop import Unrecorded, trace

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SERVICE = "integration-tests"
TIMEOUT_S = 3.0
INTERNAL, CLIENT, OK, ERROR = 1, 3, 1, 2
"""Two kinds of span and two of status, as the protocol numbers them."""
IDENTITY = re.compile(r"(?<=/)(?!v\d+/)[^/]*[-\d][^/]*")
"""A part of a path with a digit or a hyphen, but the API's version."""

spans: list[dict[str, Any]] = []
failed: dict[str, str] = {}
"""Why each test failed that did, by its id."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """Give a test a trace of its own, and record it as its root."""
    trace.begin()
    item.user_properties.append(("trace_id", trace.trace_id))
    began_ns = time.time_ns()
    try:
        return (yield)
    finally:
        root = _span(item.name, INTERNAL, began_ns, time.time_ns(), {"test.id": item.nodeid})
        spans.append(root | {"spanId": trace.span_id, "status": _status(failed.get(item.nodeid))})
        spans.extend(map(of_unrecorded, trace.unrecorded))


def of_unrecorded(noted: Unrecorded) -> dict[str, Any]:
    """Return the span of a request below the running test; one without an answer, or with 5xx, has failed."""
    exchange = noted.exchange
    method, _, path = exchange.request.partition(" ")
    attributes = {
        "http.response.status_code": str(exchange.status or "no answer"),
        "url.path": path.partition("?")[0],
        "request.id": exchange.request_id,
        "recorded": "by the tests alone",
    }
    span = _span(f"{method} {route(path)}", CLIENT, noted.began_ns, noted.ended_ns, attributes)
    why = exchange.body if not exchange.status else exchange.sentence() if exchange.status >= 500 else None
    return span | {"parentSpanId": trace.span_id, "status": _status(why)}


def route(path: str) -> str:
    """Return a path with ``{id}`` for a number or a slug: there are few routes, and many URLs."""
    return IDENTITY.sub("{id}", path.partition("?")[0])


def _span(name: str, kind: int, began_ns: int, ended_ns: int, attributes: dict[str, str]) -> dict[str, Any]:
    return {
        "traceId": trace.trace_id,
        "spanId": secrets.token_hex(8),
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(began_ns),
        "endTimeUnixNano": str(ended_ns),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


def _status(why_failed: str | None) -> dict[str, Any]:
    return {"code": OK} if why_failed is None else {"code": ERROR, "message": why_failed}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test that failed, and the first line of why."""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        failed.setdefault(report.nodeid, str(getattr(crash, "message", "")).partition("\n")[0])


def pytest_sessionfinish() -> None:
    """Send the spans of all tests; a receiver that does not answer costs the spans, never the tests."""
    if not spans or not (endpoint := os.environ.get(ENDPOINT)):
        return
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    with requests.Session() as session:
        session.trust_env = False  # as the tests' own requests
        try:
            answer = session.post(
                f"{endpoint.rstrip('/')}/v1/traces",
                data=json.dumps(body, ensure_ascii=False).encode(errors="replace"),  # halves of characters
                headers={"Content-Type": "application/json"},
                timeout=TIMEOUT_S,
            )
            answer.raise_for_status()
        except requests.RequestException as error:
            print(f"The spans of the tests could not be sent: {type(error).__name__}.", file=sys.stderr)
