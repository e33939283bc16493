"""What Prometheus reads of the stack itself."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from tests.conftest import EVENTS, write_run


def samples(client: TestClient) -> dict[str, float]:
    """Return the value of each sample by its name and its labels' values."""
    client.cookies.clear()  # Prometheus has no token
    answer = client.get("/metrics", headers={"host": "dashboard:4318"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_time_that_each_service_took_to_be_ready_is_a_metric(client: TestClient, runs: Path) -> None:
    failed: list[dict[str, object]] = [
        {"at": 100.1, "kind": "service", "service": "worker", "state": "starting"},
        {"at": 100.9, "kind": "service", "service": "worker", "state": "exited"},
    ]
    write_run(runs, events=[*EVENTS, *failed])
    seen = samples(client)
    assert seen["stack_service_ready_seconds redis"] == 0.1
    assert seen["stack_service_ready_seconds backend"] == 0.8
    assert "stack_service_ready_seconds worker" not in seen


def test_spans_are_counted(client: TestClient) -> None:
    body = '{"resourceSpans": []}'
    assert client.post("/v1/traces", content=body, headers={"content-type": "application/json"}).is_success
    seen = samples(client)
    assert (seen["stack_spans_received_total"], seen["stack_spans_dropped_total"]) == (0.0, 0.0)


def test_without_a_run_there_are_no_services(client: TestClient) -> None:
    assert [name for name in samples(client) if name.startswith("stack_service_ready")] == []
