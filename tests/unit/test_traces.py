"""Traces of failed tests: read from the recorder, kept with the run, shown in a few lines."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.commands import evidence
from stack.control import recorder
from stack.control.recorder import Recorder
from stack.display import bars, trace_lines
from stack.records import traces
from stack.records.traces import Span
from stack.system.directories import ROOT

MS = 1_000_000


def span(number: int, parent: int | str = "", *, begin: int = 0, end: int = 1, **values: object) -> Span:
    defaults = {"service": "web", "name": f"GET /{number}", "failed": False, "trace_id": "t"}
    times = {"start_ns": begin * MS, "end_ns": end * MS}
    return Span(span_id=str(number), parent_id=str(parent), **(defaults | times | values))  # type: ignore[arg-type]


def query(statement: str) -> dict[str, object]:
    return {"attributes": {"db.statement": statement}}


def test_spans_stand_below_their_parents_in_the_order_of_time() -> None:
    spans = [
        span(3, 1, begin=5),
        span(2, 1, begin=2),
        span(1),
        span(4, 2, begin=3),
        span(5, "elsewhere", begin=9),
    ]
    assert [(depth, each.span_id) for depth, each in traces.tree(spans)] == [
        (0, "1"),
        (1, "2"),
        (2, "4"),
        (1, "3"),
        (0, "5"),
    ]


def test_spans_that_are_their_own_ancestors_are_shown_once() -> None:
    spans = [span(1, 2), span(2, 1), span(3, 3)]
    assert sorted(each.span_id for _, each in traces.tree(spans)) == ["1", "2", "3"]


def test_a_trace_says_which_service_did_what_with_sql_and_times() -> None:
    spans = [
        span(1, service="tests", name="test_cart", end=40, failed=True),
        span(2, 1, service="gateway", name="POST /cart", begin=1, end=30),
        span(
            3,
            2,
            begin=2,
            end=4,
            name="SELECT",
            details=query("SELECT a, (SELECT 1 FROM x) FROM cart WHERE b = ?"),
        ),
        span(4, 2, begin=5, end=9, name="GET", details=query("GET ?")),
        span(5, 2, begin=5, end=9, name="redis", details=query("SET ?")),
    ]
    assert trace_lines.lines("test_cart", spans) == [
        "trace of test_cart: 5 spans, t",
        "      40.0 ms  tests    test_cart FAILED",
        "      29.0 ms  gateway    POST /cart",
        "       2.0 ms  web          SELECT … FROM cart WHERE b = ?",
        "       4.0 ms  web          GET ?",
        "       4.0 ms  web          redis SET ?",
    ]


def answered(status: int) -> dict[str, object]:
    return {"attributes": {"http.status_code": status}}


def test_a_call_to_another_service_is_one_line_with_its_status() -> None:
    spans = [
        span(1, service="gateway", name="POST /cart", end=30, details=answered(402)),
        span(2, 1, service="gateway", name="POST", kind=3, end=29, failed=True, details=answered(402)),
        span(3, 2, name="POST cart", begin=1, end=28, details=answered(402)),
        span(4, 3, name="SELECT", kind=3, begin=2, end=4, details=query("SELECT 1")),
        span(5, 1, service="gateway", name="GET", kind=3, end=1, failed=True),
        span(6, 1, service="tests", name="GET /x 409", end=1, details=answered(409)),
    ]
    assert trace_lines.lines("test_cart", spans)[1:] == [
        "      30.0 ms  gateway  POST /cart 402",
        "       1.0 ms  gateway    GET FAILED",
        "       1.0 ms  tests      GET /x 409",
        "      27.0 ms  web        POST cart 402",
        "       2.0 ms  web          SELECT 1",
    ]


def test_spans_of_two_services_with_one_id_are_both_shown() -> None:
    spans = [span(1, service="client", name="GET"), span(1, name="GET x"), span(2, 1, name="SELECT")]
    assert [(depth, each.name) for depth, each in traces.tree(spans)] == [
        (0, "GET"),
        (1, "SELECT"),
        (0, "GET x"),
    ]
    assert len(trace_lines.lines("x", spans)) == 4


def test_calls_that_answer_each_other_are_shown_all_the_same() -> None:
    spans = [span(1, 2, service="a", kind=3), span(2, 1, service="b", kind=3)]
    assert [line.split()[2] for line in trace_lines.lines("x", spans)[1:]] == ["a", "b"]


@pytest.mark.parametrize("end_ms", [1, 60_000, 2**63 // 10**6])
def test_a_trace_has_a_few_ticks_however_long_it_takes(end_ms: int) -> None:
    assert 2 <= bars.waterfall([span(1, end=end_ms)]).count('class="tick"') <= bars.TICKS + 1


def test_what_took_long_itself_is_shown_and_not_what_waited_for_it() -> None:
    waiting = [span(n, n - 1 if n > 1 else "", end=900 - n) for n in range(1, 30)]
    slow = span(100, 1, name="slow", end=50)
    assert any("slow" in line for line in trace_lines.lines("x", [*waiting, slow]))


def test_the_longest_statements_are_shown_however_long_the_rest_takes() -> None:
    requests = [span(n, end=90 * n) for n in range(1, 40)]
    queries = [span(100 + n, 39, end=n, name="SELECT", details=query(f"SELECT {n}")) for n in range(1, 9)]
    shown = [line for line in trace_lines.lines("x", [*requests, *queries]) if "SELECT" in line]
    assert [line.split()[-1] for line in shown] == ["5", "6", "7", "8"]


def test_of_a_long_trace_the_failed_and_the_slow_are_shown_with_what_led_to_them() -> None:
    spans = [span(0, end=1000), *(span(n, 0, begin=n, end=2 * n) for n in range(1, 200))]
    spans += [span(500, 3, begin=4, end=5, failed=True, name="boom\x1b[31m\u202e")]
    lines = trace_lines.lines("x", spans)
    assert len(lines) == trace_lines.LIMIT == 15
    assert lines[2].endswith("GET /3")
    assert lines[3].endswith("    boom\\u202e FAILED")
    assert lines[-2].endswith("GET /199")
    assert lines[-1] == "  and 188 shorter spans"
    assert len(trace_lines.lines("x", spans[:14])) == 15


ANSWERS = json.loads((ROOT / "compose/dashboard/tests/answers.json").read_text())
"""What the dashboard answers: its own tests hold its application against this file."""

KNOWN, UNKNOWN = (answer["asked"].partition("?")[0].rpartition("/")[2] for answer in ANSWERS[:2])


class Answers(http.server.BaseHTTPRequestHandler):
    """The dashboard as far as the file tells of it; nothing else may be asked."""

    def do_GET(self) -> None:
        (answer,) = [each for each in ANSWERS if each["asked"] == self.path]
        self.send_response(answer["status"])
        self.end_headers()
        self.wfile.write(json.dumps(answer["body"]).encode())

    def log_message(self, format: str, *arguments: object) -> None:
        """Write nothing."""


def test_what_services_did_is_shown_before_the_tests_own_requests() -> None:
    tests = [span(n, 1, end=500, service=trace_lines.TESTS) for n in range(2, 40)]
    lines = trace_lines.lines("x", [span(1, end=900, service=trace_lines.TESTS), *tests, span(99, 1, end=3)])
    assert any("GET /99" in line for line in lines)


@pytest.fixture
def running() -> Iterator[Recorder]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Recorder(port=server.server_port, token="s&cret")
        server.shutdown()


def test_traces_are_asked_for_once_all_spans_must_have_arrived(running: Recorder) -> None:
    slept: list[float] = []
    asked = [KNOWN, UNKNOWN, ""]
    found = recorder.collect(running, asked, ended=100.0, clock=lambda: 101.0, sleep=slept.append)
    assert slept == [recorder.SENT_WITHIN_S - 1.0]
    assert {trace_id: [each.name for each in spans] for trace_id, spans in found.items()} == {
        KNOWN: ["GET /"]
    }
    assert found[KNOWN][0].failed
    recorder.collect(running, [], ended=0.0, clock=lambda: 101.0, sleep=slept.append)
    assert slept[1:] == [0.0]


def test_a_recorder_that_does_not_answer_costs_the_trace_only() -> None:
    assert Recorder(port=1, token="x").trace("t1") == []


def test_failed_tests_are_shown_with_their_traces_which_are_kept(
    tmp_path: Path, running: Recorder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = {"test": "test_x", "place": "x.py:1", "message": "assert 1 == 2", "trace_id": KNOWN}
    (tmp_path / "failures.jsonl").write_text(json.dumps(failure) + "\n")
    monkeypatch.setattr(recorder, "of_stack", lambda name: running)
    evidence.show("shop", tmp_path)
    output = capsys.readouterr().out
    assert "* 1 test: assert 1 == 2" in output
    assert f"trace of test_x: 1 span, {KNOWN}\n       0.0 ms  web  GET / SELECT ? FAILED\n" in output
    assert [each.name for each in traces.read(tmp_path)[KNOWN]] == ["GET /"]


def test_what_services_said_before_the_tests_began_is_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stack that is up for hours had its first errors when it started."""
    monkeypatch.setattr(recorder, "of_stack", lambda name: None)
    failure = {"test": "test_x", "place": "x.py:1", "message": "assert 1 == 2", "trace_id": KNOWN}
    (tmp_path / "failures.jsonl").write_text(json.dumps(failure) + "\n")
    (tmp_path / "logs").mkdir()
    lines = ("2026-01-31T12:00:00.000Z FATAL: starting up", "2026-01-31T13:00:00.000Z FATAL: out of memory")
    (tmp_path / "logs" / "db.log").write_text("\n".join((*lines, "")))
    evidence.show_tests("shop", tmp_path, since="2026-01-31T12:59:00.000Z")
    output = capsys.readouterr().out
    assert "outside of requests: db | FATAL: out of memory" in output
    assert "starting up" not in output


def test_a_file_that_cannot_be_read_is_no_trace(tmp_path: Path) -> None:
    assert traces.read(tmp_path) == {}
    (tmp_path / traces.FILE).write_text("{")
    assert traces.read(tmp_path) == {}
