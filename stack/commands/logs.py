"""`inv logs`: show what the services of a stack wrote."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from stack.commands import options
from stack.control import guardians
from stack.control.choice import Choice
from stack.display import log_filter, log_lines, messages
from stack.display.log_filter import LogFilter
from stack.errors import UnknownService
from stack.records import log_reader, runs, service_logs
from stack.records.log_reader import LogReader, Row
from stack.records.state import StackState

POLL_S = 0.1
SPANS_SHOWN = 40
"""Lines of a trace, below its log lines."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The lines that are shown; ``since`` and ``until`` are as people write them, ``tail`` is 0 for all."""

    filter: LogFilter = field(default_factory=LogFilter)
    since: str = ""
    until: str = ""
    tail: int = 0


def run(
    choice: Choice,
    service: str,
    selection: Selection = Selection(),
    *,
    past_run: str = "",
    follow: bool = False,
    as_json: bool = False,
) -> None:
    """Show the logs of the stack's latest run or of ``past_run``, of one service or all.

    With ``follow`` go on with new lines until the stack ends. Below the lines of a trace stands what
    services did in it.

    Raises:
        UnknownRun: there is no such run.
        UnknownService: the service has no log.
    """
    folder = runs.find(choice.work_tree, past_run) if past_run else choice.last_run()
    if folder is None:
        if not as_json:
            messages.advise(f"{choice.resolve_name()} has not run here yet. Start it with `inv up`.")
        return
    services = _chosen(folder, service)
    selection = _at_moments(selection, folder)
    with log_reader.opened(folder, services) as logs:
        shown = _show(_recorded(logs, selection), as_json=as_json)
        if follow and not selection.until:
            _follow(choice, folder, service, logs, selection, as_json=as_json)
        elif not as_json:
            if not shown:
                messages.note(f"No line of {folder.name} fits.")
            _show_trace(folder, selection.filter.trace_id)


def _at_moments(chosen: Selection, run: Path) -> Selection:
    """Return the selection with the times of lines in the place of what people write."""
    written_s = [path.stat().st_mtime for path in (run / "logs").glob("*.log")]
    now = datetime.now(UTC)
    last = datetime.fromtimestamp(max(written_s), UTC) if written_s else now
    return replace(
        chosen,
        since=options.moment("--since", chosen.since, now=now, last=last),
        until=options.moment("--until", chosen.until, now=now, last=last),
    )


def _chosen(run: Path, service: str) -> list[str]:
    services = service_logs.logged_services(run)
    if service and service not in services:
        raise UnknownService(f"There is no log of {service!r}.", hint=f"Services: {', '.join(services)}.")
    return [service] if service else services


def _recorded(logs: dict[str, LogReader], chosen: Selection) -> Iterable[Row]:
    times, admits = {"since": chosen.since, "until": chosen.until}, chosen.filter.admits
    if chosen.tail:
        return log_reader.last(logs, chosen.tail, **times, admits=admits)
    return log_reader.merge(logs, **times, admits=admits, may_have=chosen.filter.may_have)


def _follow(
    choice: Choice, run: Path, service: str, logs: dict[str, LogReader], chosen: Selection, *, as_json: bool
) -> None:
    """Show new lines, also of services that begin to write meanwhile, until the run's stack has ended."""
    goes_on = True
    while goes_on:
        goes_on = _is_alive(choice, run)
        for name in [] if service else service_logs.logged_services(run):
            if name not in logs:
                logs[name] = LogReader(run, name, all_new=True)
        _show(log_reader.merge_new(logs, admits=chosen.filter.admits), as_json=as_json)
        if goes_on:
            time.sleep(POLL_S)


def _is_alive(choice: Choice, run: Path) -> bool:
    return _stack_of(run) is not None


def _stack_of(run: Path) -> StackState | None:
    return next((stack for stack in guardians.running_stacks() if Path(stack.run) == run), None)


def _show_trace(run: Path, trace_id: str) -> None:
    """Print which service did what in a trace, with SQL and times, where it was recorded."""
    if not trace_id:
        return
    from stack.control import recorder  # with an HTTP client: other logs do not pay for it
    from stack.display import trace_lines
    from stack.records import traces

    stack = _stack_of(run)
    receiver = None if stack is None else recorder.of_stack(stack.name)
    spans = receiver.trace(trace_id) if receiver is not None else traces.read(run).get(trace_id, [])
    if spans:
        root = traces.tree(spans)[0][1]
        messages.say()
        messages.say_lines(trace_lines.lines(root.name, spans, limit=SPANS_SHOWN))


def _show(rows: Iterable[Row], *, as_json: bool) -> int:
    return messages.say_lines((_json_line(*row) for row in rows) if as_json else log_lines.format_rows(rows))


def _json_line(stamp: str, service: str, text: str) -> str:
    ids = log_filter.entry(text)
    known = {} if ids is None else msgspec.to_builtins(ids)
    return json.dumps({"time": stamp, "service": service, "text": text, **known})
