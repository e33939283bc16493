"""The flight recorder: what a run leaves in its folder for whoever looks later.

The guardian writes ``timeline.jsonl``, ``logs/`` and ``plan.json`` as it goes; this adds the merged log,
the versions, and ``summary.md``, which names the first cause first.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from stack import journal, logs, report, versions
from stack.journal import Event
from stack.request import Request, read_request
from stack.terminal import plain

SUMMARY = "summary.md"
MERGED = "merged.log"


def begin(run: Path) -> None:
    """Write what is known at the beginning of a run: what it runs on."""
    with contextlib.suppress(FileNotFoundError):  # its work tree is deleted already
        engine = read_request(run / "request.json").engine
        lines = f"{versions.machine()}engine {engine} {versions.engine(engine)}".rstrip()
        (run / "versions.txt").write_text(f"{lines}\n", encoding="utf-8")


def finish(run: Path, *, outcome: str) -> Path:
    """Write what is written at the end of a run; answers the summary's path.

    A folder that was deleted meanwhile, with its work tree perhaps, is not made again.
    """
    if not (run / "request.json").is_file():
        return run / SUMMARY
    events = journal.read(run)
    rows = logs.merged(run, logs.services(run))
    (run / MERGED).write_text(
        "".join(f"{stamp} {name} {text}\n" for stamp, name, text in rows), encoding="utf-8"
    )
    path = run / SUMMARY
    path.write_text(summary(read_request(run / "request.json"), events, outcome), encoding="utf-8")
    _to_github(path)
    return path


def summary(request: Request, events: Sequence[Event], outcome: str) -> str:
    """Answer the account of a run: outcome, first cause, every service's way."""
    bad = [e for e in events if e.kind == "service" and e.state in report.BAD]
    lines = [f"# {request.name} on {request.engine}: {outcome}", ""]
    if bad:
        lines += ["```", report.failure(events, Path(request.run)).strip(), "```", ""]
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
        f"{probes} probes; every one is in `{journal.FILE}`, all output in `{MERGED}` and `logs/`.",
        "",
    ]
    return "\n".join(lines)


def _to_github(path: Path) -> None:
    """Show the summary on the job's own page, where GitHub runs us."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as page:
            page.write(path.read_text(encoding="utf-8"))
