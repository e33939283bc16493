"""Which limits of its services a run names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.control import reached_limits
from stack.records.timeline import Timeline
from stack.system import control_groups, processes
from stack.system.control_groups import ControlGroup


def begin(run: Path, *services: str) -> None:
    timeline = Timeline(run)
    for name in services:
        timeline.write("process", service=name, pid=os.getpid(), started=processes.started(os.getpid()))
    timeline.close()


def test_a_limit_that_a_living_service_has_reached_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pids.events").write_text("max 7\n")
    (tmp_path / "memory.events").write_text("low 0\noom 2\noom_kill 1\n")
    group = ControlGroup(folders={"pids": tmp_path, "memory": tmp_path})
    monkeypatch.setattr(control_groups, "group_of", lambda pid: group)
    begin(tmp_path / "run", "backend")
    assert list(reached_limits.of_run(tmp_path / "run")) == [
        "backend reached its pids_limit: 7 times it could make no process or thread",
        "backend reached its mem_limit: 1 of its processes were ended",
    ]


def test_services_without_limits_have_reached_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_groups, "group_of", lambda pid: None)
    begin(tmp_path / "run", "backend")
    assert list(reached_limits.of_run(tmp_path / "run")) == []
    assert ControlGroup(folders={}).refused_processes() == 0
