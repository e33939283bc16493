"""The record that a run leaves in its folder.

The guardian writes ``timeline.jsonl``, ``logs/`` and ``plan.json`` while it runs; this adds the merged log
and ``summary.md``, which names the first cause first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from stack.display import failure
from stack.display.terminal import plain
from stack.health import verdicts
from stack.records import log_reader, timeline
from stack.records.request import Request, read_request
from stack.records.timeline import Event

SUMMARY = "summary.md"
MERGED = "merged.log"


def finish(run: Path, *, outcome: str) -> Path:
    """Write the merged log and the summary of a run that has ended; return the summary's path.

    A folder that was deleted meanwhile, perhaps with its work tree, is not created again.
    """
    if not (run / "request.json").is_file():
        return run / SUMMARY
    events = timeline.read(run)
    with log_reader.opened(run) as logs, (run / MERGED).open("w", encoding="utf-8") as merged:
        merged.writelines(f"{stamp} {name} {text}\n" for stamp, name, text in log_reader.merge(logs))
    path = run / SUMMARY
    path.write_text(summary(read_request(run / "request.json"), events, outcome), encoding="utf-8")
    _to_github(path)
    return path


def summary(request: Request, events: Sequence[Event], outcome: str) -> str:
    """Return the report of a run as Markdown: outcome, first cause, every state of every service."""
    bad = [e for e in events if e.kind == "service" and e.state in verdicts.BAD]
    lines = [f"# {request.name} on {request.engine}: {outcome}", ""]
    if bad:
        lines += ["```", failure.failure(events, Path(request.run)).strip(), "```", ""]
    lines += ["| at | service | state | |", "| --- | --- | --- | --- |"]
    began = events[0].at if events else 0.0
    for event in events:
        if event.kind in {"service", "stack", "error"}:
            text = plain(event.text).replace("|", "\\|").replace("\n", " ")[:120]
            lines.append(
                f"| {event.at - began:.2f} s | {event.service or event.kind} | {event.state} | {text} |"
            )
    probes = sum(e.kind == "probe" for e in events)
    lines += [
        "",
        f"{probes} probes; all are in `{timeline.FILE}`, all output is in `{MERGED}` and `logs/`.",
        "",
    ]
    return "\n".join(lines)


def _to_github(path: Path) -> None:
    """Add the summary to the job's page where this runs in a GitHub workflow."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as page:
            page.write(path.read_text(encoding="utf-8"))
