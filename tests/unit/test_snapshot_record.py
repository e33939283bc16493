"""What a dashboard reads of the stack's snapshots."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stack.commands import snapshot_record
from stack.data.errors import NoSuchStore
from stack.data.snapshot import Snapshot

SAVED = Snapshot(
    name="monday", database="postgres_1", created=100.5, branch="main", heads={"orders": "0007"}, size_bytes=5
)


def stack_in(run: Path) -> Any:
    return SimpleNamespace(run=str(run))


def test_the_snapshots_are_recorded_in_the_folder_of_the_run(tmp_path: Path) -> None:
    snapshot_record.write(stack_in(tmp_path), [SAVED])
    (recorded,) = json.loads((tmp_path / "snapshots.json").read_text())
    names = ("name", "created", "size_bytes", "branch")
    assert [recorded[name] for name in names] == ["monday", 100.5, 5, "main"]


def test_a_record_that_cannot_be_written_fails_no_command(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    snapshot_record.write(stack_in(tmp_path / "file"), [SAVED])


def test_a_stack_without_postgres_comes_up_without_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoServer:
        state = SimpleNamespace(run=str(tmp_path))

        @property
        def server(self) -> Any:
            raise NoSuchStore("shop has no Postgres.", hint="")

    monkeypatch.setattr(snapshot_record.data_access, "access_to", lambda _: NoServer())
    snapshot_record.write_of(NoServer.state)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
