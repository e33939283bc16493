from __future__ import annotations

from itertools import count
from pathlib import Path

from stack.records import log_reader, service_logs


def log(run: Path, service: str = "backend", **values: int) -> service_logs.Log:
    times = count(1)
    return service_logs.Log(service_logs.log_file(run, service), clock=lambda: float(next(times)), **values)


def test_every_line_has_the_time_it_came(tmp_path: Path) -> None:
    kept = log(tmp_path)
    kept.feed(b"one\r\ntwo\n")
    kept.feed(b"three\n")
    kept.close()
    first, second = "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.000Z"
    assert list(log_reader.read(tmp_path, "backend")) == [(first, "one"), (first, "two"), (second, "three")]


def test_a_line_without_an_end_waits_for_it_and_is_not_lost(tmp_path: Path) -> None:
    kept = log(tmp_path)
    kept.feed(b"Trace")
    assert list(log_reader.read(tmp_path, "backend")) == []
    kept.feed(b"back\nlast words")
    assert kept.tail() == ("Traceback", "last words")
    kept.close()
    assert [text for _, text in log_reader.read(tmp_path, "backend")] == ["Traceback", "last words"]


def test_the_last_line_of_a_service_that_ended_is_a_line_of_its_own(tmp_path: Path) -> None:
    kept = log(tmp_path)
    kept.feed(b"last words")
    kept.end_line()
    kept.end_line()
    assert [text for _, text in log_reader.read(tmp_path, "backend")] == ["last words"]
    kept.feed(b"of the next life\n")
    kept.close()
    assert [text for _, text in log_reader.read(tmp_path, "backend")] == ["last words", "of the next life"]


def test_bytes_that_are_no_text_are_replaced_not_fatal(tmp_path: Path) -> None:
    kept = log(tmp_path)
    kept.feed(b"\xff\xfe ok\n")
    kept.close()
    assert kept.tail() == ("\ufffd\ufffd ok",)
    assert [text for _, text in log_reader.read(tmp_path, "backend")] == ["\ufffd\ufffd ok"]


def test_a_flood_keeps_its_newest_lines_and_fills_no_disk(tmp_path: Path) -> None:
    kept = log(tmp_path, limit_bytes=10_000)
    for number in range(2_000):
        kept.feed(f"line {number}\n".encode())
    kept.close()
    size = sum(path.stat().st_size for path in (tmp_path / "logs").iterdir())
    assert size <= 10_000
    assert [text for _, text in log_reader.read(tmp_path, "backend")][-1] == "line 1999"


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    kept = log(tmp_path)
    kept.feed(b"x" * (service_logs.LINE_BYTES + 1))
    assert [len(text) for _, text in log_reader.read(tmp_path, "backend")] == [service_logs.LINE_BYTES + 1]
    kept.close()


def test_the_tail_is_the_last_twenty_lines(tmp_path: Path) -> None:
    kept = log(tmp_path)
    kept.feed(b"".join(b"%d\n" % number for number in range(50)))
    assert kept.tail() == tuple(str(number) for number in range(30, 50))
    kept.close()
