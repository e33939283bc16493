from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.records import timeline
from stack.records.timeline import Timeline


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Timeline]:
    made = Timeline(tmp_path, clock=lambda: 12.5)
    yield made
    made.close()


def test_what_is_written_is_read_back_in_order(tmp_path: Path, writer: Timeline) -> None:
    writer.service("backend", "ready", "HTTP 200", seconds=1.25)
    writer.stack("up")
    writer.note("a sentence")
    assert [(e.at, e.kind, e.service, e.state, e.text, e.seconds) for e in timeline.read(tmp_path)] == [
        (12.5, "service", "backend", "ready", "HTTP 200", 1.25),
        (12.5, "stack", "", "up", "", 0.0),
        (12.5, "note", "", "", "a sentence", 0.0),
    ]


def test_a_torn_or_foreign_line_is_passed_over(tmp_path: Path, writer: Timeline) -> None:
    writer.stack("up")
    with (tmp_path / timeline.FILE).open("a") as file:
        file.write('{"kind": "from another version", "wings": 2}\n[1]\n{"at": 1, "ki')
    assert [event.state for event in timeline.read(tmp_path)] == ["up"]


def test_a_run_without_a_timeline_has_no_events(tmp_path: Path) -> None:
    assert timeline.read(tmp_path) == []


def test_a_follower_sees_what_comes_later_once_and_stops_at_the_end(tmp_path: Path, writer: Timeline) -> None:
    steps = iter([lambda: writer.stack("up"), lambda: writer.stack("down")])
    over = False

    def sleep(_: float) -> None:
        nonlocal over
        step = next(steps, None)
        if step is None:
            over = True
        else:
            step()

    writer.stack("starting")
    seen = [event.state for event in timeline.follow(tmp_path, ended=lambda: over, sleep=sleep)]
    assert seen == ["starting", "up", "down"]


def test_what_is_written_just_before_the_end_is_not_missed(tmp_path: Path, writer: Timeline) -> None:
    asked = 0

    def ended() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            writer.stack("down")
        return asked >= 2

    seen = [event.state for event in timeline.follow(tmp_path, ended=ended, sleep=lambda _: None)]
    assert seen == ["down"]


def test_half_a_line_is_not_an_event_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / timeline.FILE
    path.write_text('{"at": 1, "kind": "st')
    rest = iter(['ack", "state": "up"}\n'])
    over = False

    def sleep(_: float) -> None:
        nonlocal over
        with path.open("a") as file:
            file.write(next(rest, ""))
        over = True

    assert [event.state for event in timeline.follow(tmp_path, ended=lambda: over, sleep=sleep)] == ["up"]


def test_a_run_that_ends_before_it_wrote_anything_is_no_hang(tmp_path: Path) -> None:
    assert list(timeline.follow(tmp_path, ended=lambda: True)) == []
