"""Traces as no service of ours sends them are shown whole, or it is said what is missing."""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.request
from typing import Any

from playwright.sync_api import expect

from browser.visit import Visit


def span(number: int, parent: int = 0, **values: object) -> dict[str, Any]:
    now = time.time_ns()
    times = {"startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 10_000_000)}
    ids = {"spanId": f"{number:016x}", "parentSpanId": f"{parent:016x}" if parent else ""}
    return {"name": f"span {number}", "kind": 2, **ids, **times, **values}


def send(visit: Visit, service: str, *spans: dict[str, Any], trace: str = "") -> str:
    """Send spans as a service of this name does; return the id of their trace."""
    trace = trace or secrets.token_hex(16)
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    scope = {"spans": [{"traceId": trace, **each} for each in spans]}
    request = urllib.request.Request(
        f"{visit.origin}/v1/traces",
        data=json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    return trace


def test_a_request_is_listed_with_what_it_asked_for_and_its_status(visit: Visit) -> None:
    word = f"/carts/{secrets.token_hex(4)}"
    attributes = [
        {"key": "http.target", "value": {"stringValue": word}},
        {"key": "http.status_code", "value": {"intValue": "404"}},
    ]
    send(visit, "web", span(1, name="GET /{path}", attributes=attributes))
    visit.page.goto(f"{visit.origin}/#/traces?words={word}")
    row = visit.content.locator("tr.pick")
    expect(row).to_have_count(1)
    expect(row.locator("td.name")).to_contain_text(f"GET /{{path}} {word} 404")


def test_a_span_without_a_name_is_opened_all_the_same(visit: Visit) -> None:
    trace = send(visit, "web", span(1, name=""))
    visit.go("Traces")
    visit.content.locator(f"tr.pick a[href$='{trace}']").click()
    expect(visit.spans("web (without a name)")).to_be_visible()


def test_both_ends_of_a_call_are_shown_where_they_share_an_id(visit: Visit) -> None:
    trace = send(visit, "caller", span(1, kind=3))
    send(visit, "callee", span(1), span(2, 1), trace=trace)
    visit.open_trace(trace, spans=3)
    visit.spans(re.compile("^callee span 1")).click()
    expect(visit.content.locator("g.chosen")).to_have_count(1)


def test_what_is_not_shown_of_a_large_trace_is_said(visit: Visit) -> None:
    attributes = [{"key": f"key {number}", "value": {"intValue": "1"}} for number in range(1064)]
    trace = send(visit, "web", span(1, attributes=attributes), *(span(n, 1) for n in range(2, 2_100)))
    visit.open_trace(trace, spans=2_000)
    visit.require_text("The first 2,000 spans", "1,000 more attributes are not kept.")
    visit.require_readable()
