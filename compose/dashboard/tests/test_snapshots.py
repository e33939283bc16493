"""The snapshots of a run's stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.conftest import write_run


def test_snapshots_are_listed_with_age_size_and_branch_the_newest_first(
    client: TestClient, runs: Path
) -> None:
    recorded = [
        {
            "name": "old",
            "created": 100.0,
            "size_bytes": 1 << 20,
            "branch": "main",
            "heads": {"orders": "0001"},
        },
        {"name": "new", "created": 200.0, "size_bytes": 2 << 20, "branch": "", "database": "postgres_x"},
    ]
    (write_run(runs) / "snapshots.json").write_text(json.dumps(recorded))
    assert client.get("/api/snapshots").json() == [
        {"name": "new", "created": 200.0, "size_bytes": 2 << 20, "branch": ""},
        {"name": "old", "created": 100.0, "size_bytes": 1 << 20, "branch": "main"},
    ]


def test_a_run_without_a_record_has_none(client: TestClient, runs: Path) -> None:
    write_run(runs)
    assert client.get("/api/snapshots").json() == []


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"name": "x"}]', '[{"created": "soon"}]', "\xff"])
def test_a_damaged_record_is_read_as_far_as_it_goes(client: TestClient, runs: Path, text: str) -> None:
    (write_run(runs) / "snapshots.json").write_bytes(text.encode("latin-1"))
    assert client.get("/api/snapshots").json() == []


def test_a_part_that_is_damaged_is_left_out(client: TestClient, runs: Path) -> None:
    (write_run(runs) / "snapshots.json").write_text('[{"name": 7, "created": 1, "size_bytes": "big"}]')
    shown = {"name": "7", "created": 1, "size_bytes": None, "branch": ""}
    assert client.get("/api/snapshots").json() == [shown]
