"""The record that a run leaves in its folder.

The guardian writes ``timeline.jsonl``, ``logs/`` and ``plan.json`` while it runs; this adds the outcome, the
merged log, ``report.html``, and ``summary.md``, which names the first cause first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from stack.display import failed_tests, failure, report
from stack.display.bars import duration
from stack.display.terminal import first_line, plain
from stack.health import verdicts
from stack.records import failed_tests as failure_records
from stack.records import log_reader, run_record, timeline
from stack.records.run_record import RunRecord
from stack.records.timeline import Event

SUMMARY = "summary.md"
MERGED = "merged.log"
SLOWEST = 5
CAUSES_LINES = 30


def finish(run: Path, *, outcome: str) -> Path:
    """Write what is known at the end of a run into its folder; return the summary's path.

    A folder that was deleted meanwhile, perhaps with its work tree, is not created again.
    """
    if not (run / "request.json").is_file():
        return run / SUMMARY
    (run / run_record.OUTCOME).write_text(f"{outcome}\n", encoding="utf-8")
    with log_reader.opened(run) as logs, (run / MERGED).open("w", encoding="utf-8") as merged:
        merged.writelines(f"{stamp} {name} {text}\n" for stamp, name, text in log_reader.merge(logs))
    report.write(run)
    path = run / SUMMARY
    path.write_text(summary(run, run_record.read(run), timeline.read(run)), encoding="utf-8")
    _to_github(path)
    return path


def summary(run: Path, record: RunRecord, events: Sequence[Event]) -> str:
    """Return a run as Markdown: outcome, first cause, how it came up, its tests, every state of a service."""
    lines = [f"# {record.stack} on {record.engine}: {_cell(first_line(record.outcome))}", ""]
    if any(e.kind == "service" and e.state in verdicts.BAD for e in events):
        lines += [*_fenced(failure.failure(events, run).strip()), ""]
    if failed := failure_records.read(run):
        lines += [*_fenced(failed_tests.report(failed, [], limit=CAUSES_LINES)), ""]
    if record.services:
        lines += [*_chart(record), "", *_services(record), ""]
    if record.tests:
        lines += [*_tests(record), ""]
    lines += [
        "<details><summary>Every change of a state</summary>",
        "",
        *_states(events),
        "",
        "</details>",
        "",
    ]
    probes = sum(e.kind == "probe" for e in events)
    lines += [
        f"{probes} probes; all are in `{timeline.FILE}`, all output is in `{MERGED}` and `logs/`; "
        f"`{report.FILE}` shows it all.",
        "",
    ]
    return "\n".join(lines)


def _chart(record: RunRecord) -> Iterator[str]:
    """Yield how the stack came up as a Mermaid chart, which GitHub draws; the critical chain is marked.

    The syntax is https://mermaid.js.org/syntax/gantt.html.
    """
    yield from ("```mermaid", "gantt", "  dateFormat x", "  axisFormat %M:%S")
    for service in record.services:
        yield f"  section {service.name}"
        for step in service.steps:
            kind = "crit, " if service.name in record.chain and step.state == "starting" else ""
            kind = kind or ("done, " if step.state == "waiting" else "")
            begin_ms, end_ms = (round(at_s * 1000) for at_s in (step.begin_s, step.end_s))
            yield f"  {step.state} {duration(step.end_s - step.begin_s)} : {kind}{begin_ms}, {end_ms}"
    yield "```"


def _services(record: RunRecord) -> Iterator[str]:
    yield from (
        "| service | state | ready after | decided the start | needs |",
        "| --- | --- | ---: | --- | --- |",
    )
    for each in record.services:
        after = "" if each.ready_after_s is None else duration(each.ready_after_s)
        decided = "yes" if each.name in record.chain else ""
        yield f"| {each.name} | {each.state} | {after} | {decided} | {', '.join(each.needs)} |"


def _tests(record: RunRecord) -> Iterator[str]:
    failed = record.failed_tests
    took = duration(sum(test.seconds for test in record.tests))
    yield (
        f"{len(failed)} of {len(record.tests)} tests failed ({took})."
        if failed
        else (f"{len(record.tests)} tests passed ({took}).")
    )
    yield from ("", "| test | outcome | took |", "| --- | --- | ---: |")
    slowest = sorted(record.tests, key=lambda test: (test.outcome != "failed", -test.seconds))
    for test in slowest[: max(SLOWEST, min(len(failed), 20))]:
        yield f"| {_cell(test.name)} | {test.outcome} | {duration(test.seconds)} |"


def _states(events: Sequence[Event]) -> Iterator[str]:
    yield from ("| at | service | state | |", "| --- | --- | --- | --- |")
    began = events[0].at if events else 0.0
    for event in events:
        if event.kind in {"service", "stack", "error"}:
            text = _cell(event.text)
            yield f"| {event.at - began:.2f} s | {event.service or event.kind} | {event.state} | {text} |"


def _cell(text: str) -> str:
    """Return text for one cell: no line, no column, no element of HTML of its own."""
    line = plain(text).replace("\n", " ")[:120]
    return line.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def _fenced(text: str) -> list[str]:
    """Return text as a block that no line of it ends."""
    longest = max((len(found) for found in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return [fence, text, fence]


def _to_github(path: Path) -> None:
    """Add the summary to the job's page where this runs in a GitHub workflow."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as page:
            page.write(path.read_text(encoding="utf-8"))
