"""Reading logs: from the start, from the end, while they grow and are rotated; merged by time."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from itertools import count, pairwise
from pathlib import Path

from stack.records import log_reader, service_logs
from stack.records.log_reader import LogReader


def at(second: float) -> str:
    return f"1970-01-01T00:{int(second) // 60:02}:{second % 60:06.3f}Z"


def log(run: Path, service: str = "web", *, clock: object = None, **values: int) -> service_logs.Log:
    times = clock or map(float, count(1))
    return service_logs.Log(service_logs.log_file(run, service), clock=lambda: next(times), **values)


def write(run: Path, service: str, *seconds: float) -> None:
    writer = log(run, service, clock=iter(seconds))
    for second in seconds:
        writer.feed(f"{service} {second:g}\n".encode())
    writer.close()


def texts(rows: object) -> list[str]:
    return [row[-1] for row in rows]


def test_logs_are_merged_by_time_and_in_one_moment_by_service(tmp_path: Path) -> None:
    write(tmp_path, "a", 1, 3, 5)
    write(tmp_path, "b", 2, 3, 4)
    with log_reader.opened(tmp_path) as logs:
        assert texts(log_reader.merge(logs)) == ["a 1", "b 2", "a 3", "b 3", "b 4", "a 5"]
        assert texts(log_reader.last(logs, 4)) == ["a 3", "b 3", "b 4", "a 5"]
    with log_reader.opened(tmp_path, ["b"]) as logs:
        assert texts(log_reader.merge(logs)) == ["b 2", "b 3", "b 4"]


def test_times_are_found_in_both_directions(tmp_path: Path) -> None:
    seconds = [1, 2, 2, 2, 3, 5, 8, 8, 13]
    write(tmp_path, "web", *seconds)
    with log_reader.opened(tmp_path) as logs:
        for since in range(15):
            for until in range(15):
                wanted = [f"web {each}" for each in seconds if since <= each <= until]
                times = {"since": at(since), "until": at(until)}
                assert texts(log_reader.merge(logs, **times)) == wanted
                assert texts(log_reader.last(logs, 99, **times)) == wanted


def test_only_blocks_that_may_have_a_wanted_line_are_read_line_by_line(tmp_path: Path) -> None:
    path = service_logs.log_file(tmp_path, "web")
    path.parent.mkdir()
    path.write_text("".join(f"{at(n / 10)} line {n} {'x' * 100}\n" for n in range(10_000)))
    blocks, read = [], []

    def may_have(block: bytes) -> bool:
        blocks.append(block)
        return b" line 7000 " in block

    def admits(text: str) -> bool:
        read.append(text)
        return text.startswith("line 7000 ")

    with log_reader.opened(tmp_path) as logs:
        (row,) = log_reader.merge(logs, admits=admits, may_have=may_have)
    assert row[0] == at(700)
    assert len(b"\n".join(blocks)) + 1 == path.stat().st_size
    assert b"\n".join(block for block in blocks if b" line 7000 " in block).count(b"\n") + 1 == len(read)
    assert len(read) < 1000


def test_the_older_half_of_a_rotated_log_comes_first(tmp_path: Path) -> None:
    writer = log(tmp_path, limit_bytes=2_000)
    for number in range(60):
        writer.feed(f"line {number}\n".encode())
    writer.close()
    lines = texts(log_reader.read(tmp_path, "web"))
    assert lines == [f"line {number}" for number in range(60 - len(lines), 60)]
    with log_reader.opened(tmp_path) as logs:
        assert texts(log_reader.last(logs, 99)) == lines
        assert texts(log_reader.merge(logs, since=at(50))) == [f"line {n}" for n in range(49, 60)]


def test_long_lines_and_blocks_are_put_together_from_the_end(tmp_path: Path) -> None:
    writer = log(tmp_path)
    lines = [f"{number}{'x' * (number * 997 % 15_000)}" for number in range(60)]
    writer.feed("".join(f"{line}\n" for line in lines).encode())
    writer.close()
    with log_reader.opened(tmp_path) as logs:
        assert texts(log_reader.last(logs, 99)) == lines


def test_a_line_that_is_being_written_is_left_to_the_next_look(tmp_path: Path) -> None:
    path = service_logs.log_file(tmp_path, "web")
    path.parent.mkdir()
    path.write_text(f"{at(1)} whole\n{at(2)} hal")
    with log_reader.opened(tmp_path) as logs:
        assert texts(log_reader.merge(logs)) == texts(log_reader.last(logs, 9)) == ["whole"]
        assert texts(log_reader.merge_new(logs)) == []
        with path.open("a") as file:
            file.write(f"f\n{at(3)} more\n")
        assert texts(log_reader.merge_new(logs)) == ["half", "more"]
        assert texts(log_reader.merge_new(logs)) == []


def test_new_lines_of_the_same_millisecond_are_all_there(tmp_path: Path) -> None:
    writer = log(tmp_path, clock=iter([1.0] * 9))
    writer.feed(b"one\n")
    with log_reader.opened(tmp_path) as logs:
        assert texts(log_reader.merge(logs)) == ["one"]
        writer.feed(b"two\n")
        assert texts(log_reader.merge_new(logs)) == ["two"]
        writer.feed(b"three\nfour\n")
        assert texts(log_reader.merge_new(logs)) == ["three", "four"]
    writer.close()


def test_no_line_is_lost_or_shown_twice_when_a_log_is_rotated_meanwhile(tmp_path: Path) -> None:
    writer, seen, lines = log(tmp_path, limit_bytes=2_000), [], [f"line {each}" for each in range(101)]
    with log_reader.opened(tmp_path) as logs:
        for begin, end in pairwise([0, 3, 28, 29, 29, 69, 99, 101]):
            writer.feed("".join(f"{line}\n" for line in lines[begin:end]).encode())
            seen += texts(log_reader.merge_new(logs))
    writer.close()
    assert seen == lines


def test_a_log_that_is_emptied_meanwhile_is_read_from_its_new_beginning(tmp_path: Path) -> None:
    write(tmp_path, "web", *range(1, 9))
    with log_reader.opened(tmp_path) as logs:
        path = service_logs.log_file(tmp_path, "web")
        path.write_text(f"{at(10)} after that\n")
        assert texts(log_reader.merge_new(logs)) == ["after that"]
        path.write_text("")
        assert texts(log_reader.merge_new(logs)) == []
        path.write_text(f"{at(11)} and again\n")
        assert texts(log_reader.merge_new(logs)) == ["and again"]


def test_a_log_that_begins_later_is_read_from_its_first_line(tmp_path: Path) -> None:
    with closing(LogReader(tmp_path, "late")) as reader:
        assert list(reader.new_lines()) == []
        write(tmp_path, "late", 1, 2)
        assert texts(reader.new_lines()) == ["late 1", "late 2"]
    with closing(LogReader(tmp_path, "late", all_new=True)) as reader:
        assert texts(reader.new_lines()) == ["late 1", "late 2"]


def test_memory_does_not_grow_with_the_logs(tmp_path: Path) -> None:
    path = service_logs.log_file(tmp_path, "web")
    path.parent.mkdir()
    path.write_text("".join(f"{at(n % 3000)} {'x' * 200}\n" for n in range(40_000)))
    tracemalloc.start()
    try:
        with log_reader.opened(tmp_path) as logs:
            assert sum(1 for _ in log_reader.merge(logs)) == 40_000
            assert len(log_reader.last(logs, 10)) == 10
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1 << 20
