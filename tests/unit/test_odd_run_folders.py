"""A run's folder with anything in it hides neither the run nor the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack.commands import runs as command
from stack.control import guardians
from stack.control.choice import Choice
from stack.display import report
from stack.records import log_reader, service_logs
from stack.records.timeline import Timeline

UP = b'{"at":1,"kind":"stack","state":"up"}\n'


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a run beside one as it should be."""
    monkeypatch.setattr(guardians, "running_stacks", list)
    runs = tmp_path / ".stack" / "runs"
    sound = Timeline(runs / "20260131-120000-shop")
    sound.stack("up")
    sound.close()
    folder = runs / "20260131-120001-odd"
    folder.mkdir()
    (folder / "timeline.jsonl").write_bytes(UP)
    return folder


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("timeline.jsonl", UP + b'{"at":1e308,"kind":"stack","state":"down"}\n'),
        ("timeline.jsonl", b'{"at":99999999999999,"kind":"stack","state":"up"}\n'),
        ("timeline.jsonl", b'{"at":-1e18,"kind":"stack","state":"up"}\n'),
        ("outcome.txt", b"failed: \xff\xfe"),
        ("junit.xml", b"<testsuites><testcase name='a'"),
        ("junit.xml", b"<testsuites><testcase name='a' time='nan'/><testcase time='-1e999'/></testsuites>"),
        ("traces.json", b'{"a": [{"trace_id":'),
        ("failures.jsonl", b"\xff\n[1]\n"),
    ],
)
def test_a_damaged_record_is_read_as_far_as_it_can_be(
    odd: Path, tmp_path: Path, name: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (odd / name).write_bytes(content)
    command.run(Choice(work_tree=tmp_path), "", "", "")
    shown = capsys.readouterr().out
    assert "20260131-120000-shop" in shown
    assert odd.name in shown
    assert report.write(odd).is_file()


@pytest.mark.parametrize(
    "name", ["timeline.jsonl", "outcome.txt", "junit.xml", "traces.json", "failures.jsonl", "logs/db.log"]
)
def test_a_folder_in_the_place_of_a_file_is_no_record(
    odd: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (odd / name).unlink(missing_ok=True)
    (odd / name).mkdir(parents=True)
    command.run(Choice(work_tree=tmp_path), "", "", "")
    assert "20260131-120000-shop" in capsys.readouterr().out
    assert report.write(odd).is_file()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_log_that_may_not_be_read_hides_no_other(tmp_path: Path) -> None:
    for service in ("db", "web"):
        path = service_logs.log_file(tmp_path, service)
        path.parent.mkdir(exist_ok=True)
        path.write_text("2026-01-31T12:00:00.000Z hello\n")
    service_logs.log_file(tmp_path, "db").chmod(0)
    with log_reader.opened(tmp_path) as logs:
        assert [row[1] for row in log_reader.merge(logs)] == ["web"]
