"""Each test is the root span of a trace: its id is in the report, and in the log lines of the services.

Where OTEL_EXPORTER_OTLP_ENDPOINT names a receiver, the spans of all tests are sent to it at the end, as
OTLP in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest
import requests

from shop import trace

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SERVICE = "integration-tests"
TIMEOUT_S = 3.0
INTERNAL, OK, ERROR = 1, 1, 2
"""A kind of span and two of status, as the protocol numbers them."""

spans: list[dict[str, Any]] = []
failed: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """Give a test a trace of its own, and record it as its root."""
    trace.begin()
    item.user_properties.append(("trace_id", trace.trace_id))
    began = time.time_ns()
    try:
        return (yield)
    finally:
        spans.append(
            {
                "traceId": trace.trace_id,
                "spanId": trace.span_id,
                "name": item.name,
                "kind": INTERNAL,
                "startTimeUnixNano": str(began),
                "endTimeUnixNano": str(time.time_ns()),
                "attributes": [{"key": "test.id", "value": {"stringValue": item.nodeid}}],
                "status": {"code": ERROR if item.nodeid in failed else OK},
            }
        )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test that failed."""
    if report.failed:
        failed.add(report.nodeid)


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
                data=json.dumps(body),
                headers={"Content-Type": "application/json"},
                timeout=TIMEOUT_S,
            )
            answer.raise_for_status()
        except requests.RequestException as error:
            print(f"The spans of the tests could not be sent: {type(error).__name__}.", file=sys.stderr)
