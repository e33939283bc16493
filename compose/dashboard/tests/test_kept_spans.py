"""What is kept of a span, and by what it is found."""

from __future__ import annotations

import json
import time
from typing import Any

from starlette.testclient import TestClient

TRACE = "0af7651916cd43dd8448eb211c80319c"


def send(client: TestClient, trace_id: str = TRACE, **values: object) -> list[dict[str, Any]]:
    """Send a span of its own trace and return that trace as soon as it is there."""
    span = {
        "traceId": trace_id,
        "spanId": "00f067aa0ba902b7",
        "name": "GET /api/v1/{path}",
        "kind": 2,
        **values,
    }
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert client.post("/v1/traces", content=body, headers={"content-type": "application/json"}).is_success
    deadline = time.monotonic() + 60
    while not (answer := client.get(f"/api/traces/{trace_id}")).is_success:
        assert time.monotonic() < deadline, "it is not there after 60 s"
        time.sleep(0.01)
    spans: list[dict[str, Any]] = answer.json()
    return spans


def attributes(**values: str | int) -> list[dict[str, Any]]:
    kinds = {int: "intValue", str: "stringValue"}
    return [
        {"key": key.replace("__", "."), "value": {kinds[type(each)]: each}} for key, each in values.items()
    ]


def test_what_is_not_kept_is_counted(client: TestClient) -> None:
    (span,) = send(
        client,
        attributes=attributes(**{f"k{number}": "x" * 3_000 for number in range(70)}),
        droppedAttributesCount=3,
        events=[{"name": f"e{number}", "timeUnixNano": "1"} for number in range(66)],
        droppedEventsCount=1,
    )
    assert span["details"]["left_out"] == {"attributes": 70 - 64 + 3, "events": 66 - 64 + 1}
    assert span["details"]["attributes"]["k0"] == "x" * 1_999 + "…"


def test_a_trace_is_found_by_the_address_that_was_asked_for(client: TestClient) -> None:
    send(
        client, f"{1:032x}", attributes=attributes(http__target="/api/v1/carts?page=2", http__status_code=404)
    )
    send(client, f"{2:032x}", attributes=attributes(url__path="/orders", http__response__status_code=201))
    send(client, f"{3:032x}", attributes=attributes(http__target=7))

    def found(words: str) -> set[tuple[str, str]]:
        rows = client.get("/api/traces", params={"words": words}).json()
        return {(row["target"], row["status"]) for row in rows}

    assert found("/CARTS") == {("/api/v1/carts?page=2", "404")}
    assert found("{path}") == {("/api/v1/carts?page=2", "404"), ("/orders", "201"), ("7", "")}
    assert found("%") == set()
