"""`report.html`: what a run was, in one file that opens without a server and without the internet.

The cause comes first; then how the stack came up, the tests, the traces of those that failed, the logs.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from stack.display import bars, failed_tests, failure, log_filter, log_lines, report_tests
from stack.display.bars import duration
from stack.display.markup import Html, join, tag
from stack.health import verdicts
from stack.records import failed_tests as failure_records
from stack.records import log_reader, run_record, timeline, traces
from stack.records.log_reader import Row
from stack.records.run_record import RunRecord

FILE = "report.html"
LINES_SHOWN = 2_000
"""The last lines of all services; those of failed tests are shown with them, wherever they are."""

HERE = Path(__file__).parent


def write(run: Path, *, alive: bool = False) -> Path:
    """Write the report of a run into its folder and return the file."""
    path = run / FILE
    path.write_text(page(run, run_record.read(run, alive=alive)), encoding="utf-8")
    return path


def page(run: Path, record: RunRecord) -> str:
    """Return the report as HTML."""
    with log_reader.opened(run) as logs:
        lines = log_reader.last(logs, LINES_SHOWN)
        failed = failure_records.read(run)
        warnings = list(log_reader.merge(logs, admits=log_lines.is_warning)) if failed else []
    spans = traces.read(run)
    body = join(
        [
            _header(run, record),
            tag(
                "main",
                _section("cause", _cause_title(record), _cause(run, record, failed, warnings)),
                _section("start", _start_title(record), _start(record)) if record.services else None,
                report_tests.section(record, failed, warnings, spans),
                _section("logs", "Logs", _logs(record, lines)),
            ),
        ]
    )
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{_verdict(record)}: {record.stack or record.name}"),
        tag("style", Html(style)),
    )
    return (
        f"<!doctype html>\n{tag('html', head, tag('body', body, tag('script', Html(script))), lang='en')}\n"
    )


def _verdict(record: RunRecord) -> str:
    return record.outcome.partition(":")[0].partition("\n")[0] if record.good else "failed"


def _header(run: Path, record: RunRecord) -> Html:
    began = datetime.fromtimestamp(record.began, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    facts = [began, f"engine {record.engine or '?'}", f"took {duration(record.seconds)}", record.name]
    links = ["cause", *(["start"] if record.services else []), *(["tests"] if record.tests else []), "logs"]
    return tag(
        "header",
        tag("h1", record.stack or record.name, " ", tag("span", _verdict(record), class_=_tone(record))),
        tag("p", " · ".join(facts), class_="quiet"),
        tag("nav", *(tag("a", name.capitalize(), href=f"#{name}") for name in links), aria_label="Sections"),
        tag("p", *_versions(run), class_="quiet versions"),
    )


def _versions(run: Path) -> list[Html]:
    try:
        lines = (run / "versions.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [tag("span", line) for line in lines]


def _tone(record: RunRecord) -> str:
    if record.outcome == run_record.RUNNING and record.good:
        return "badge busy"
    return "badge good" if record.good else "badge bad"


def _section(name: str, title: str, *content: Html) -> Html:
    return tag("section", tag("h2", title), *content, id=name)


def _cause_title(record: RunRecord) -> str:
    failed, total = len(record.failed_tests), len(record.tests)
    if failed:
        return f"{failed} of {total} tests failed"
    if record.good:
        return f"All {total} tests passed" if total else "Nothing failed"
    bad = [service for service in record.services if service.state in verdicts.BAD]
    first = next((service for service in bad if service.state != "dependency failed"), None)
    return "The run failed" if first is None else f"{first.name}: {first.state}"


def _cause(
    run: Path, record: RunRecord, failed: Sequence[failure_records.FailedTest], warnings: Sequence[Row]
) -> Html:
    """Return the first cause: a service that failed, else the failed tests, else that all is well."""
    events = timeline.read(run)
    parts: list[Html] = []
    if any(event.kind == "service" and event.state in verdicts.BAD for event in events):
        parts.append(tag("pre", failure.failure(events, run).strip(), class_="bad"))
    elif error := next((event for event in events if event.kind == "error"), None):
        parts.append(tag("pre", f"{error.text}\n{error.hint}".strip(), class_="bad"))
    if failed:
        parts.append(tag("pre", failed_tests.report(failed, warnings), class_="bad"))
    if not parts and not record.good:
        parts.append(tag("pre", record.outcome, class_="bad"))
    if not parts:
        start = f"The stack was up after {duration(record.up_s)}. " if record.up_s is not None else ""
        parts.append(tag("p", f"{start}{_chain_sentence(record)}"))
    return join(parts)


def _chain_sentence(record: RunRecord) -> str:
    return f"{' → '.join(record.chain)} decided how long the start took." if record.chain else ""


def _start_title(record: RunRecord) -> str:
    return "Start" if record.up_s is None else f"Start: {duration(record.up_s)}"


def _start(record: RunRecord) -> Html:
    keys = (
        ("builds", "builds"),
        ("waits", "waits"),
        ("starts", "starts"),
        ("chain", "starts, critical"),
        ("fails", "failed"),
    )
    legend = [tag("span", tag("i", class_=f"key {kind}"), f" {text}") for kind, text in keys]
    rows = [
        tag(
            "tr",
            tag("td", service.name),
            tag("td", service.state, class_="bad" if service.state in verdicts.BAD else "good"),
            tag(
                "td",
                "" if service.ready_after_s is None else duration(service.ready_after_s),
                class_="number",
            ),
            tag("td", ", ".join(service.needs)),
            tag("td", service.text.partition("\n")[0][:200], class_="quiet"),
        )
        for service in record.services
    ]
    titles = ("Service", "State", "Ready after", "Needs", "Last seen")
    head = tag(
        "tr", *(tag("th", each, class_="number" if each == "Ready after" else None) for each in titles)
    )
    return join(
        [
            bars.gantt(record),
            tag("p", *legend, class_="legend quiet"),
            tag("table", tag("thead", head), tag("tbody", *rows)),
        ]
    )


def _logs(record: RunRecord, lines: Sequence[Row]) -> Html:
    if not lines:
        return tag("p", "No service wrote a line.", class_="quiet")
    services = sorted({service for _, service, _ in lines})
    search = tag("input", type="search", id="search", placeholder="words or an id", aria_label="Search")
    chosen_level = _select("level", "every level", log_filter.LEVELS[1:])
    chosen_service = _select("service", "every service", services)
    count = tag("span", f"{len(lines)} lines", id="count", class_="quiet", role="status")
    note = tag(
        "p",
        f"The last {len(lines)} lines of all services; " if len(lines) == LINES_SHOWN else "All lines; ",
        tag("code", f"inv logs --run {record.name}"),
        " prints every one.",
        class_="quiet",
    )
    shown = tag("div", *(_log_line(*line) for line in lines), id="lines", class_="lines", tabindex="0")
    return join([note, tag("div", search, chosen_level, chosen_service, count, class_="filter"), shown])


def _select(name: str, everything: str, values: Sequence[str]) -> Html:
    options = [tag("option", everything, value=""), *(tag("option", each, value=each) for each in values)]
    return tag("select", *options, id=name, aria_label=name.capitalize())


def _log_line(stamp: str, service: str, text: str) -> Html:
    level = log_filter.level(text)
    return tag(
        "div",
        tag("time", stamp[11:23]),
        tag("b", service),
        tag("span", log_lines.readable(text)[:8_000]),
        class_=level,
    )
