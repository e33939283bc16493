"""The tests of a run in its report: those that failed with their traces, then all, the slowest first."""

from __future__ import annotations

from collections.abc import Sequence

from stack.display import bars, failed_tests
from stack.display.bars import duration
from stack.display.markup import Html, tag
from stack.records.failed_tests import FailedTest
from stack.records.junit import TestResult
from stack.records.log_reader import Row
from stack.records.run_record import RunRecord
from stack.records.traces import Traces

FAILED_SHOWN, SLOWEST = 50, 8
TITLES = ("Test", "Outcome", "Took", "File")
NO_TRACE = "Its trace was not recorded: the profile recorder records them."


def section(
    record: RunRecord, failed: Sequence[FailedTest], warnings: Sequence[Row], traces: Traces
) -> Html | None:
    """Return the section about the tests, None where none ran."""
    if not record.tests:
        return None
    known = {test.test: test for test in failed}
    cards = [
        _card(record, test, known.get(test.name), warnings, traces)
        for test in record.failed_tests[:FAILED_SHOWN]
    ]
    more = len(record.failed_tests) - len(cards)
    worst = sorted(record.tests, key=lambda each: (each.outcome != "failed", -each.seconds))
    slowest = [test for test in worst if test.outcome != "failed"][:SLOWEST]
    return tag(
        "section",
        tag("h2", f"Tests: {len(record.tests)}"),
        *cards,
        tag("p", f"and {more} more that failed, in the table of all", class_="quiet") if more > 0 else None,
        tag("h3", "The slowest"),
        _table(slowest),
        tag("details", tag("summary", f"All {len(worst)}, those that failed first"), _table(worst)),
        id="tests",
    )


def _table(tests: Sequence[TestResult]) -> Html:
    titles = [tag("th", each, class_="number" if each == "Took" else None) for each in TITLES]
    return tag(
        "table",
        tag("thead", tag("tr", *titles)),
        tag("tbody", *(_row(each) for each in tests)),
        class_="tests",
    )


def _row(test: TestResult) -> Html:
    tone = {"failed": "bad", "passed": "good"}.get(test.outcome, "quiet")
    return tag(
        "tr",
        tag("td", test.name),
        tag("td", test.outcome, class_=tone),
        tag("td", duration(test.seconds), class_="number"),
        tag("td", test.file, class_="quiet"),
    )


def _card(
    record: RunRecord, test: TestResult, known: FailedTest | None, warnings: Sequence[Row], traces: Traces
) -> Html:
    """Return a failed test: its message, what the services answered and logged, its trace."""
    spans = traces.get(test.trace_id, ())
    place = known.place if known is not None else test.file
    logged = failed_tests.service_lines(known, warnings) if known is not None else []
    look = f"inv logs --run {record.name} --trace {test.trace_id}"
    return tag(
        "article",
        tag("h3", test.name),
        tag("p", f"{place} · {duration(test.seconds)}", class_="quiet"),
        tag("pre", known.message if known is not None else test.text),
        _answer(known),
        tag("pre", "\n".join(logged)) if logged else None,
        bars.waterfall(spans) if spans else tag("p", NO_TRACE, class_="quiet"),
        tag("p", "Its log lines: ", tag("code", look), class_="quiet") if test.trace_id else None,
    )


def _answer(known: FailedTest | None) -> Html | None:
    if known is None or not (known.answer or known.last_answer):
        return None
    if not known.answer:
        return tag("p", "The last answer: ", tag("code", known.last_answer))
    return tag("p", tag("code", known.request), " was answered with ", tag("b", known.answer))
