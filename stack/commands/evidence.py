"""What is shown and kept of integration tests that failed: the services' logs, the causes, the traces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stack.control import reached_limits, recorder
from stack.display import failed_tests, log_evidence, log_lines, messages, trace_lines
from stack.records import failed_tests as failure_records
from stack.records import log_reader, timeline, traces
from stack.records.failed_tests import FailedTest

LINES_SHOWN = 60
"""How many lines of the services' logs a failure shows; all of them are in the run's folder."""

TRACES_SHOWN = 3
TRACES_KEPT = 50


def show(name: str, run: Path) -> None:
    """Print the last lines of the services' logs, the failed tests by cause, their traces, and hints."""
    with log_reader.opened(run) as logs:
        messages.say(log_lines.excerpt(log_reader.last(logs, LINES_SHOWN + 1), LINES_SHOWN))
    show_tests(name, run)
    for line in hints(run):
        messages.say(line)


def hints(run: Path) -> list[str]:
    """Return what may be the cause: mistakes in the compose files of a run, limits that services reached."""
    mistakes = [event.text for event in timeline.read(run) if event.state == timeline.MISTAKE]
    limits = [f"limit: {sentence}" for sentence in reached_limits.of_run(run)]
    return [*limits, *(f"probably a mistake: {sentence}" for sentence in mistakes)]


def show_tests(name: str, run: Path, *, since: str = "") -> None:
    """Print the failed tests of a run by cause and, where they were recorded, their traces.

    With ``since`` no line of a service before that time is evidence.
    """
    failed = failure_records.read(run)
    if not failed:
        return
    with log_reader.opened(run) as logs:
        rows = list(log_reader.merge(logs, since=since))
    warnings = [row for row in rows if log_lines.is_warning(row[2])]
    outside = [f"outside of requests: {line}" for line in log_evidence.outside_of_requests(rows)]
    room = failed_tests.REPORT_LINES - len(hints(run)) - len(outside)
    messages.say()
    messages.say("\n".join([failed_tests.report(failed, warnings, limit=room), *outside]))
    _keep_traces(name, run, failed)
    for cause in failed_tests.causes(failed)[:TRACES_SHOWN]:
        _show_trace(run, cause.tests[0])


def _keep_traces(name: str, run: Path, failed: Sequence[FailedTest]) -> None:
    """Store the traces of failed tests in the run's folder: their recorder ends with the stack."""
    receiver = recorder.of_stack(name)
    if receiver is not None:
        ids = [test.trace_id for test in failed[:TRACES_KEPT]]
        traces.write(run, recorder.collect(receiver, ids, ended=max(test.ended for test in failed)))


def _show_trace(run: Path, test: FailedTest) -> None:
    spans = traces.read(run).get(test.trace_id)
    if spans:
        messages.say()
        for line in trace_lines.lines(test.test, spans):
            messages.say(line)
