"""Which lines of a failed service's log are shown."""

from __future__ import annotations

import json
from pathlib import Path

from stack.display import failure, log_evidence
from stack.records import service_logs
from stack.records.timeline import Event

TRACEBACK = [
    "Traceback (most recent call last):",
    *(f'  File "lib{number}.py", line 1\n    call()' for number in range(30)),
    '  File "shop/settings.py", line 7',
    "    import payments",
    "ModuleNotFoundError: No module named 'payments'",
]
HALT = [
    TRACEBACK[0],
    '  File "arbiter.py", line 1',
    "    raise HaltServer",
    "gunicorn.errors.HaltServer: <HaltServer>",
]


def lines(*parts: str) -> list[str]:
    return [line for part in parts for line in part.split("\n")]


def test_a_long_traceback_keeps_what_stood_before_it() -> None:
    shown = log_evidence.last_lines(lines("reading settings.toml", *TRACEBACK))
    assert shown == [
        "reading settings.toml",
        "Traceback (most recent call last):",
        "  ...",
        '  File "shop/settings.py", line 7',
        "    import payments",
        "ModuleNotFoundError: No module named 'payments'",
    ]


def test_what_follows_from_a_cause_does_not_push_it_away() -> None:
    shown = log_evidence.last_lines(lines(*TRACEBACK, *HALT, *HALT))
    assert "ModuleNotFoundError: No module named 'payments'" in shown
    assert not any("HaltServer" in line for line in shown)
    assert log_evidence.last_lines(HALT)[-1].startswith("gunicorn.errors.HaltServer")


def test_the_exception_of_a_structured_line_is_shortened_as_well() -> None:
    record = json.dumps({"level": "error", "message": "worker failed", "exception": "\n".join(TRACEBACK)})
    assert log_evidence.last_lines(["before", record])[:2] == ["before", "error   worker failed"]
    assert log_evidence.last_lines([record])[-1] == TRACEBACK[-1]


def test_what_fails_outside_of_requests_is_shown_with_its_service() -> None:
    stamp = "2026-01-31T12:00:00.123Z"
    structured = {"level": "warning", "message": "Could not relay events", "request_id": "-"}
    texts = [
        ("backend", json.dumps(structured)),
        ("backend", json.dumps(structured | {"message": "of a request", "request_id": "abc"})),
        ("backend", json.dumps(structured | {"message": "all is well", "level": "info"})),
        ("redis", "# WARNING Memory overcommit must be enabled"),
        *(("worker", line) for line in lines("Exception in thread worker:", *TRACEBACK, "and on it goes")),
        ("postgres", "FATAL:  the database system is starting up"),
    ]
    assert log_evidence.outside_of_requests((stamp, *text) for text in texts) == [
        "backend | warning Could not relay events",
        "worker | Traceback (most recent call last):",
        "worker |   ...",
        'worker |   File "shop/settings.py", line 7',
        "worker |     import payments",
        "worker | ModuleNotFoundError: No module named 'payments'",
    ]


def test_the_same_error_with_other_numbers_is_shown_once() -> None:
    rows = [("", "postgres", f"0{n}:00 [{n}] ERROR:  deadlock detected") for n in range(5)]
    assert log_evidence.outside_of_requests(rows) == ["postgres | 00:00 [0] ERROR:  deadlock detected"]


def test_the_last_lines_are_shown_and_no_more() -> None:
    assert log_evidence.last_lines([str(number) for number in range(50)]) == [str(n) for n in range(30, 50)]


def test_the_report_reads_the_log_up_to_the_failure(tmp_path: Path) -> None:
    log = service_logs.log_file(tmp_path, "web")
    log.parent.mkdir()
    log.write_text(
        "1970-01-01T00:00:09.000Z cannot open shop.db\n"
        "1970-01-01T00:00:10.000Z giving up\n"
        "1970-01-01T00:00:12.000Z of a later start\n"
    )
    event = Event(at=10.0, kind="service", service="web", state="exited", evidence="giving up")
    report = failure.failure([event], tmp_path)
    assert "| cannot open shop.db\n  | giving up\n" in report
    assert "of a later start" not in report
