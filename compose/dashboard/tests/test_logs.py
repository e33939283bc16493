"""The services' logs of a run, merged and filtered, whatever is in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dashboard import logs
from starlette.testclient import TestClient

from tests.conftest import write_run


def write_log(run: Path, service: str, *lines: str) -> None:
    text = "".join(f"2026-01-31T12:00:{number:02}.000Z {line}\n" for number, line in enumerate(lines))
    (run / "logs" / f"{service}.log").write_text(text)


def record(level: str, message: str, **more: str) -> str:
    return json.dumps({"level": level, "message": message, **more})


def test_logs_of_all_services_are_merged_by_time_and_cut_at_the_limit(client: TestClient, runs: Path) -> None:
    run = write_run(runs)
    write_log(run, "redis", "one", "two", "three")
    write_log(run, "backend", record("info", "first"), record("error", "second", exception="Traceback"))
    rows = client.get("/api/logs", params={"limit": 3}).json()
    assert {row["text"] for row in rows} == {"two", "second", "three"}
    assert rows[-1]["text"] == "three"
    assert next(row for row in rows if row["text"] == "second")["exception"] == "Traceback"


def test_logs_are_filtered_by_words_level_identity_service_and_time(client: TestClient, runs: Path) -> None:
    run = write_run(runs)
    write_log(
        run, "backend", record("info", "GET /a", request_id="r1"), record("warning", "slow", request_id="r2")
    )
    write_log(run, "gateway", record("info", "GET /a", request_id="r1"), record("error", "upstream gone"))

    def texts(**parameters: str) -> list[str]:
        return sorted(row["text"] for row in client.get("/api/logs", params=parameters).json())

    assert texts(words="get /A") == ["GET /a", "GET /a"]
    assert texts(level="warning") == ["slow", "upstream gone"]
    assert texts(identity="r1") == ["GET /a", "GET /a"]
    assert texts(service="gateway") == ["GET /a", "upstream gone"]
    assert texts(after="2026-01-31T12:00:00.500Z") == ["slow", "upstream gone"]
    assert texts(before="2026-01-31T12:00:00.000Z") == ["GET /a", "GET /a"]
    assert client.get("/api/logs", params={"seen": "-1"}).status_code == 422
    assert client.get("/api/logs", params={"level": "loud"}).status_code == 422


def test_a_folder_in_the_place_of_a_log_hides_no_other(client: TestClient, runs: Path) -> None:
    run = write_run(runs)
    write_log(run, "redis", "one")
    (run / "logs" / "postgres.log").mkdir()
    assert [row["text"] for row in client.get("/api/logs").json()] == ["one"]


def test_of_lines_that_were_written_at_once_none_is_left_out(client: TestClient, runs: Path) -> None:
    at = "2026-01-31T12:00:00.000Z"
    log = write_run(runs) / "logs" / "backend.log"
    log.write_text("".join(f"{at} line {number}\n" for number in range(5)))

    def texts(**parameters: object) -> list[str]:
        return [row["text"] for row in client.get("/api/logs", params=parameters).json()]

    assert texts(limit=2) == ["line 3", "line 4"]
    assert texts(limit=2, before=at, seen=2) == ["line 1", "line 2"]
    assert texts(limit=2, before=at, seen=4) == ["line 0"]
    assert texts(after=at) == [f"line {number}" for number in range(5)]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("x" * 8_010, "x" * 8_000 + "… and 10 more characters"),
        (json.dumps({"message": "x" * 8_010}), "x" * 8_000 + "… and 10 more characters"),
        ('{"message": "GET / 200", "duration_ms": 3.16}', "GET / 200 3.16 ms"),
        ('{"message": "GET / 200 in 3 ms", "duration_ms": 3.16}', "GET / 200 in 3 ms"),
        ('{"message": "x", "duration_ms": "<b>"}', "x <b> ms"),
    ],
)
def test_a_line_is_shown_with_its_duration_and_says_where_it_was_cut(
    client: TestClient, runs: Path, line: str, text: str
) -> None:
    write_log(write_run(runs), "web", line)
    (row,) = client.get("/api/logs").json()
    assert row["text"] == text


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-01-31 12:00:00 UTC [7] ERROR:  relation does not exist", "error"),
        ("# WARNING Memory overcommit must be enabled", "warning"),
        ("ValueError: no", "error"),
        ("Ready to accept connections", "info"),
        (record("warning", "no ERROR here"), "warning"),
        (record("warn", "slow"), "warning"),
        (record("FATAL", "gone"), "critical"),
        (record("notice", "a level that nobody knows"), "info"),
        ("ts=12:00 caller=main.go:1 level=warn msg=slow", "warning"),
        ('level=error msg="no such table"', "error"),
        ("level=info msg=warned", "info"),
        ('{"level": 50, "message": "a number"}', "info"),
        ('{"a":' * 3_000 + "1" + "}" * 3_000, "info"),
        (record("info", "half a character: \ud800"), "info"),
    ],
)
def test_a_line_that_names_no_level_has_that_of_its_words(
    client: TestClient, runs: Path, line: str, level: str
) -> None:
    write_log(write_run(runs), "postgres", line)
    (row,) = client.get("/api/logs", params={"level": level}).json()
    assert row["level"] == level


def test_the_older_half_of_a_log_is_read_where_the_newer_one_is_short(client: TestClient, runs: Path) -> None:
    run = write_run(runs)
    write_log(run, "backend", "old", "older half's end")
    (run / "logs" / "backend.log").rename(run / "logs" / "backend.log.1")
    (run / "logs" / "backend.log").write_text("2026-01-31T12:01:00.000Z new\n")
    texts = [row["text"] for row in client.get("/api/logs").json()]
    assert texts == ["old", "older half's end", "new"]


def test_a_hostile_line_stays_text(client: TestClient, runs: Path) -> None:
    run = write_run(runs)
    write_log(run, "backend", "<script>alert(1)</script>\u202e \x1b[31mred", "\xff not json {")
    texts = [row["text"] for row in client.get("/api/logs").json()]
    assert texts[0].startswith("<script>")


def test_the_last_lines_of_a_large_file_are_read_from_its_end(runs: Path) -> None:
    run = write_run(runs)
    path = run / "logs" / "backend.log"
    with path.open("w") as file:
        for number in range(200_000):
            file.write(f"2026-01-31T12:00:00.{number:06}Z line {number} {'x' * 40}\n")
    assert logs.last(run, logs.Filter(), limit=5)[0]["text"].startswith("line 199995 ")
    path.write_bytes(
        b"\0" * 60_000_000 + path.read_bytes()[-1000:]
    )  # nothing but its end can be read as lines
    assert len(logs.last(run, logs.Filter(), limit=5)) == 5
