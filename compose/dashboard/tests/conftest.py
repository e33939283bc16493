"""The application on a folder of run records that the tests write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard.app import create_app
from dashboard.settings import Settings
from dashboard.store import Store
from starlette.testclient import TestClient

TOKEN = "a-token-of-the-tests"
RUN = "20260131-120000-ecommerce-ci-000001"


def write_run(folder: Path, name: str = RUN, *, events: list[dict[str, object]] | None = None) -> Path:
    """Write the record of a run and return its folder."""
    run = folder / name
    (run / "logs").mkdir(parents=True)
    (run / "timeline.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events or EVENTS))
    needs = {"redis": {"needs": {}}, "backend": {"needs": {"redis": "service_healthy"}}}
    (run / "plan.json").write_text(json.dumps({"name": "ecommerce-ci-000001", "services": needs}))
    return run


EVENTS: list[dict[str, object]] = [
    {"at": 100.0, "kind": "service", "service": "redis", "state": "building"},
    {"at": 100.0, "kind": "service", "service": "backend", "state": "waiting"},
    {"at": 100.1, "kind": "service", "service": "redis", "state": "starting"},
    {"at": 100.2, "kind": "service", "service": "redis", "state": "ready", "text": "PONG"},
    {"at": 100.2, "kind": "service", "service": "backend", "state": "starting"},
    {"at": 101.0, "kind": "service", "service": "backend", "state": "ready", "text": "HTTP 200"},
    {"at": 101.0, "kind": "stack", "state": "up"},
]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path: Path, runs: Path) -> Settings:
    return Settings(
        host="127.0.0.1", port=1, token=TOKEN, runs=runs, database=tmp_path / "data" / "spans.sqlite3"
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A browser of this machine that has the token."""
    with TestClient(
        create_app(settings, Store(settings.database)),
        base_url="http://127.0.0.1",
        cookies={"dashboard_token_80": TOKEN},
    ) as client:
        yield client
