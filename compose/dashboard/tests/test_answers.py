"""What the engine asks of the dashboard is answered as answers.json says, which its own tests rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dashboard.app import create_app
from dashboard.settings import Settings
from dashboard.store import Store
from starlette.testclient import TestClient

from tests.conftest import write_run

ANSWERS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("answers.json").read_text())
(ROW,) = ANSWERS[0]["body"]


def sent() -> dict[str, Any]:
    """Return the export request of the one span that the answers are about."""
    attributes = [
        {"key": key, "value": {"stringValue": value}} for key, value in ROW["details"]["attributes"].items()
    ]
    span = {
        "traceId": ROW["trace_id"],
        "spanId": ROW["span_id"],
        "name": ROW["name"],
        "kind": ROW["kind"],
        "startTimeUnixNano": str(ROW["start_ns"]),
        "endTimeUnixNano": str(ROW["end_ns"]),
        "status": {"code": 2},
        "attributes": attributes,
    }
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": ROW["service"]}}]}
    return {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": [span]}]}]}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer["asked"])
def test_the_application_answers_so(settings: Settings, runs: Path, answer: dict[str, Any]) -> None:
    write_run(runs, ROW["run"])
    app = create_app(replace(settings, token="s&cret"), Store(settings.database))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.post("/v1/traces", json=sent()).status_code == 200
        app.state.parts.receiver.close()  # what waits is written
        given = client.get(answer["asked"])
    assert (given.status_code, given.json()) == (answer["status"], answer["body"])
