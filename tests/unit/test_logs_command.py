"""`inv logs`: of the latest run and of past ones, filtered, as JSON, and as the logs grow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.commands import logs
from stack.commands.logs import Selection
from stack.control import guardians
from stack.control.choice import Choice
from stack.display import log_filter
from stack.errors import UnknownRun, UnknownService
from stack.records import service_logs, traces
from stack.records.timeline import Timeline
from stack.records.traces import Span

BEGAN = 1_769_860_800.0  # 2026-01-31T12:00:00Z


def record(work_tree: Path, name: str, **lines: list[tuple[float, str]]) -> Path:
    """Record a run whose services wrote these lines, so many seconds after its begin."""
    run = work_tree / ".stack" / "runs" / name
    Timeline(run).close()
    for service, written in lines.items():
        times = iter([BEGAN + second for second, _ in written])
        log = service_logs.Log(service_logs.log_file(run, service), clock=lambda times=times: next(times))
        for _, text in written:
            log.feed(f"{text}\n".encode())
        log.close()
    return run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Choice, "last_run", lambda choice: newest)
    record(tmp_path, "20260130-120000-shop-aaaaaa", web=[(0, "of the past run")])
    error = json.dumps({"level": "error", "message": "boom", "request_id": "r1", "trace_id": "t1"})
    newest = record(
        tmp_path, "20260131-120000-shop-bbbbbb", web=[(1, "one"), (3, error)], db=[(2, "two"), (4, "four")]
    )
    return newest


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition("| ")[2] for line in capsys.readouterr().out.splitlines()]


def test_all_services_of_the_latest_run_are_merged(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.run(Choice(work_tree=tmp_path), "")
    assert printed(capsys) == ["one", "two", "error   boom [r1]", "four"]
    logs.run(Choice(work_tree=tmp_path), "db", Selection(tail=1))
    assert printed(capsys) == ["four"]


def test_a_past_run_is_named_by_a_part_of_its_name(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.run(Choice(work_tree=tmp_path), "", past_run="aaaaaa")
    assert printed(capsys) == ["of the past run"]
    logs.run(Choice(work_tree=tmp_path), "", Selection(tail=1), past_run="last")
    assert printed(capsys) == ["four"]
    with pytest.raises(UnknownRun, match="2 runs have 'shop' in the name"):
        logs.run(Choice(work_tree=tmp_path), "", past_run="shop")
    with pytest.raises(UnknownRun, match="No run has 'cccccc'"):
        logs.run(Choice(work_tree=tmp_path), "", past_run="cccccc")
    with pytest.raises(UnknownService, match="'queue'"):
        logs.run(Choice(work_tree=tmp_path), "queue", past_run="aaaaaa")


def test_lines_are_chosen_by_time_pattern_level_and_id(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lines(**values: str) -> list[str]:
        times = {key: values.pop(key) for key in ("since", "until") if key in values}
        logs.run(Choice(work_tree=tmp_path), "", Selection(filter=log_filter.make(**values), **times))
        return printed(capsys)

    assert lines(since="2026-01-31T12:00:02", until="2026-01-31T12:00:03") == ["two", "error   boom [r1]"]
    assert lines(grep="^t|four") == ["two", "four"]
    assert lines(least="error") == lines(request_id="r1") == lines(trace_id="t1") == ["error   boom [r1]"]
    assert lines(since="1d") == []


@pytest.mark.parametrize("service", ["", "db"])
def test_that_no_line_fits_is_said_beside_the_lines(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], service: str
) -> None:
    none = Selection(filter=log_filter.make(grep="no such word"))
    logs.run(Choice(work_tree=tmp_path), service, none)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"No line of {run.name} fits.\n")
    logs.run(Choice(work_tree=tmp_path), service, none, as_json=True)
    assert capsys.readouterr() == ("", "")


def test_below_the_lines_of_a_trace_stands_which_service_did_what_with_its_sql(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guardians, "running_stacks", list)
    details = {"attributes": {"db.statement": "SELECT a FROM cart"}}
    times = {"start_ns": 0, "end_ns": 2_000_000, "failed": False, "trace_id": "t1"}
    request = Span(span_id="1", parent_id="", service="web", name="GET /cart", **times)
    query = Span(span_id="2", parent_id="1", service="web", name="SELECT", details=details, **times)
    traces.write(run, {"t1": [request, query]})
    chosen = Selection(filter=log_filter.make(trace_id="t1"))
    logs.run(Choice(work_tree=tmp_path), "", chosen)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "",
        "trace of GET /cart: 2 spans, t1",
        "       2.0 ms  web  GET /cart",
        "       2.0 ms  web    SELECT … FROM cart",
    ]
    logs.run(Choice(work_tree=tmp_path), "", chosen, as_json=True)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_json_has_the_ids_of_a_structured_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.run(Choice(work_tree=tmp_path), "", as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"time": "2026-01-31T12:00:01.000Z", "service": "web", "text": "one"}
    assert {key: lines[2][key] for key in ("level", "request_id", "trace_id")} == {
        "level": "error",
        "request_id": "r1",
        "trace_id": "t1",
    }


def test_following_shows_each_new_line_once_and_ends_with_the_stack(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    web = service_logs.Log(service_logs.log_file(run, "web"), clock=lambda: BEGAN + 5, limit_bytes=2_000)
    late = []

    def life() -> Iterator[bool]:
        web.feed(b"same millisecond 1\n")
        yield True
        web.feed(b"same millisecond 2\n")
        late.append(service_logs.Log(service_logs.log_file(run, "late"), clock=lambda: BEGAN + 6))
        late[0].feed(b"a service that began later\n")
        yield True
        for number in range(40):  # the log is rotated
            web.feed(f"flood {number}\n".encode())
        yield False

    alive = life()
    monkeypatch.setattr(logs, "_is_alive", lambda choice, run: next(alive))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    logs.run(Choice(work_tree=tmp_path), "", Selection(tail=1), follow=True)
    web.close()
    late[0].close()
    assert printed(capsys) == [
        "four",
        "same millisecond 1",
        "same millisecond 2",
        "a service that began later",
        *(f"flood {number}" for number in range(40)),
    ]
