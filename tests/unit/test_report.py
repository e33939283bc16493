"""`report.html` and `summary.md`: the cause first, everything escaped, nothing from elsewhere."""

from __future__ import annotations

import html
import html.parser
import json
import re
from pathlib import Path

import pytest

from stack.commands import report as command
from stack.control.choice import Choice
from stack.display import markup, report, summary
from stack.display.markup import tag
from stack.errors import UnknownRun
from stack.records import service_logs, traces
from stack.records.timeline import Timeline
from stack.records.traces import Span

EVIL = "<script>alert(1)</script>\x1b[31m\u202e\"'&\x00]]>--></style>"
SHOWN = (
    "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m\\u202e&quot;&#x27;&amp;\\x00]]&gt;--&gt;&lt;/style&gt;"
)


class Page(html.parser.HTMLParser):
    """What a browser would load, run and show of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(name)
        self.addresses += [value or "" for key, value in attributes if key in {"src", "href", "action"}]
        self.ids += [value or "" for key, value in attributes if key == "id"]
        assert not any(key.startswith("on") for key, _ in attributes)


def record(run: Path, *, failing: bool = False, evil: str = "plain", lines: int = 3) -> Path:
    times = iter([100.0, 100.5, 102.0, 103.0, 104.0, 105.0])
    line = Timeline(run, clock=lambda: next(times))
    line.service("web", "building")
    line.service("web", "starting")
    if failing:
        line.service("web", "exited", f"exited with code 1 {evil}", evidence=evil)
        line.stack("failed", "web: exited")
    else:
        line.service("web", "ready", evil)
        line.stack("up")
        line.stack("down")
    line.close()
    (run / "request.json").write_text(json.dumps({"name": "shop", "files": [evil], "engine": "local",
                                                  "work_tree": "/w", "run": str(run)}))  # fmt: skip
    (run / "versions.txt").write_text(f"python 3.11\n{evil}\n")
    log = service_logs.Log(service_logs.log_file(run, "web"), clock=lambda: 103.0)
    for number in range(lines):
        log.feed(json.dumps({"level": "error", "message": f"line {number} {evil}"}).encode() + b"\n")
    log.close()
    return run


def failed_test(run: Path, evil: str = "plain") -> None:
    """Record a failed test with its answer and its trace."""
    shown = markup.visible(evil)  # as pytest's own file, which holds no control code
    name = html.escape(shown)
    (run / "junit.xml").write_text(
        f'<testsuites><testcase classname="test_a" name="test_one {name}" time="0.5"><properties>'
        f'<property name="trace_id" value="t1"/></properties><failure message="m"/></testcase>'
        '<testcase classname="test_a" name="test_two" time="0.2"/></testsuites>'
    )
    failure = {
        "test": f"test_one {shown}",
        "place": evil,
        "message": evil,
        "answer": evil,
        "request": evil,
        "trace_id": "t1",
    }
    (run / "failures.jsonl").write_text(json.dumps(failure) + "\n")
    spans = [
        Span(trace_id="t1", span_id=str(n), parent_id=str(n - 1) if n else "", service=f"service {evil}",
             name=f"{evil} {n}", start_ns=n, end_ns=9_000_000, failed=n == 1,
             details={"attributes": {"db.statement": evil}})
        for n in range(3)
    ]  # fmt: skip
    traces.write(run, {"t1": spans})


def test_a_green_run_says_how_many_tests_passed_and_what_decided_its_start(tmp_path: Path) -> None:
    text = report.write(record(tmp_path)).read_text()
    assert "<h2>Nothing failed</h2>" in text
    assert "The stack was up after 3.00 s. web decided how long the start took." in text
    assert "line 2" in text


def test_the_cause_of_a_failed_start_comes_first(tmp_path: Path) -> None:
    text = report.write(record(tmp_path, failing=True)).read_text()
    assert text.index("<h2>web: exited</h2>") < text.index("web failed: exited, exited with code 1")
    assert text.index("what to do:") < text.index('id="start"') < text.index('id="logs"')


def test_the_start_of_a_service_that_failed_later_was_fine(tmp_path: Path) -> None:
    run = record(tmp_path)
    assert 'class="bar fails"' not in report.write(run, alive=True).read_text()
    with (run / "timeline.jsonl").open("a") as timeline:
        died = {"at": 109.0, "kind": "service", "service": "web", "state": "exited", "text": "killed"}
        timeline.write(json.dumps(died) + "\n")
    text = report.write(run, alive=True).read_text()
    assert "1.50 s exited" in text
    assert 'class="bar fails"' not in text


def test_a_failed_test_comes_with_its_message_its_answer_and_its_trace(tmp_path: Path) -> None:
    failed_test(record(tmp_path))
    text = report.write(tmp_path).read_text()
    assert "<h2>1 of 2 tests failed</h2>" in text
    card = text[text.index("<article>") : text.index("</article>")]
    assert "was answered with <b>plain</b>" in card
    assert card.count('role="listitem"') == 3
    assert 'class="bar fails"' in card
    assert "inv logs --run" in card
    (tmp_path / traces.FILE).unlink()
    assert "Its trace was not recorded" in report.write(tmp_path).read_text()


def test_a_failed_test_comes_with_the_refusal_that_was_answered_last(tmp_path: Path) -> None:
    failed_test(record(tmp_path))
    failure = {"test": "test_one plain", "place": "x", "message": "m", "last_answer": "GET /a: HTTP 404 <b>"}
    (tmp_path / "failures.jsonl").write_text(json.dumps(failure) + "\n")
    text = report.write(tmp_path).read_text()
    assert "The last answer: <code>GET /a: HTTP 404 &lt;b&gt;</code>" in text


def test_every_value_is_shown_as_text(tmp_path: Path) -> None:
    failed_test(record(tmp_path, failing=True, evil=EVIL), EVIL)
    text = report.write(tmp_path).read_text()
    page = Page(text)
    assert page.tags.count("script") == page.tags.count("style") == 1
    assert SHOWN in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert all(address.startswith("#") for address in page.addresses)
    assert {"cause", "start", "tests", "logs"} <= set(page.ids)


def test_the_page_may_load_nothing_and_run_only_its_own_script(tmp_path: Path) -> None:
    text = report.write(record(tmp_path)).read_text()
    assert "default-src &#x27;none&#x27;" in text
    assert re.search(r"script-src &#x27;sha256-[\w+/=]{44}&#x27;", text)
    assert "http://" not in text
    assert "https://" not in text


def test_a_long_log_is_cut_to_its_last_lines(tmp_path: Path) -> None:
    text = report.write(record(tmp_path, lines=report.LINES_SHOWN + 10)).read_text()
    assert "line 9 plain" not in text
    assert "line 10 plain" in text
    assert f"The last {report.LINES_SHOWN} lines of all services; " in text


def test_a_folder_with_nothing_in_it_is_no_error(tmp_path: Path) -> None:
    assert "No service wrote a line." in report.write(tmp_path).read_text()


def test_an_element_escapes_its_text_and_its_attributes() -> None:
    made = tag(
        "p", "<b>", tag("i", "&"), None, class_='"x"', data_level="a'b", hidden=True, title=None, open=False
    )
    assert made == '<p class="&quot;x&quot;" data-level="a&#x27;b" hidden>&lt;b&gt;<i>&amp;</i></p>'
    assert markup.visible("a\tb\n\u200b\udc80\x9b") == "a\tb\n\\u200b\\udc80\\x9b"


def test_the_summary_has_the_cause_the_picture_of_the_start_and_the_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    run = record(tmp_path / "run", failing=True, evil="````\n| a <b>")
    failed_test(run)
    text = summary.finish(run, outcome="failed: web | <i>").read_text()
    assert page.read_text() == text
    assert text.startswith("# shop on local: failed: web \\| &lt;i>\n\n`````\nweb failed: exited")
    chart = text[text.index("```mermaid") :].split("```")[1]
    assert "  section web\n  building 0.50 s : 0, 500\n  starting 1.50 s : crit, 500, 2000\n" in chart
    assert "| web | exited | 1.50 s | yes |  |" in text
    assert "1 of 2 tests failed (0.70 s)." in text
    assert "| test_one plain | failed | 0.50 s |" in text
    assert (run / report.FILE).exists()


def test_the_report_of_a_run_is_written_and_its_place_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record(tmp_path / ".stack" / "runs" / "20260131-120000-shop-abc")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setenv("DISPLAY", ":1")
    command.run(Choice(work_tree=tmp_path), "abc", open_page=True)
    assert capsys.readouterr().out == f"{run / report.FILE}\n"
    assert opened == [(run / report.FILE).as_uri()]
    monkeypatch.setattr(Choice, "last_run", lambda choice: None)
    monkeypatch.setattr(Choice, "resolve_name", lambda choice: "shop")
    with pytest.raises(UnknownRun, match="shop has not run here yet"):
        command.run(Choice(work_tree=tmp_path), "")
