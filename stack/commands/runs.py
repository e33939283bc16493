"""`inv runs`: list the recorded runs, and say what differs between two of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from stack.control import guardians
from stack.control.choice import Choice
from stack.display import messages, run_changes, tables
from stack.errors import InvalidOption
from stack.records import run_record, runs
from stack.records.run_record import RunRecord

COLUMNS = ("run", "began", "engine", "outcome", "start", "took", "tests")
CHANGES = ("change", "what", "before", "after")
OUTCOME_WIDTH = 60


def run(choice: Choice, action: str, before: str, after: str, *, as_json: bool = False) -> None:
    """List the runs, the newest first, or with ``diff`` say what differs between two of them.

    Raises:
        InvalidOption: ``action`` is neither, or ``diff`` was not given two runs.
        UnknownRun: there is no such run.
    """
    if action == "diff" and before and after:
        _diff(choice, before, after, as_json=as_json)
    elif action in {"", "list"} and not before:
        records = [record(path) for path in runs.recorded(choice.work_tree)]
        rows = [to_builtins(each) if as_json else _row(each) for each in records]
        messages.say(tables.render(rows, COLUMNS, as_json=as_json, empty="No run is recorded here."))
    else:
        raise InvalidOption(
            f"`inv runs {' '.join(filter(None, (action, before, after)))}` is not understood.",
            hint="Type `inv runs`, or `inv runs diff A B` with two of the names that it lists.",
        )


def _diff(choice: Choice, before: str, after: str, *, as_json: bool) -> None:
    first, second = (record(runs.find(choice.work_tree, name)) for name in (before, after))
    rows = [change.row() for change in run_changes.changes(first, second)]
    same = f"Nothing failed or became slower in {second.name} that did not in {first.name}."
    messages.say(tables.render(rows, CHANGES, as_json=as_json, empty=same))


def record(path: Path) -> RunRecord:
    """Return the record of a run; it is `running` while its guardian lives."""
    alive = any(Path(stack.run) == path for stack in guardians.running_stacks())
    return run_record.read(path, alive=alive)


def to_builtins(each: RunRecord) -> dict[str, object]:
    """Return what `--json` prints of a run."""
    return {
        "run": each.name,
        "stack": each.stack,
        "engine": each.engine,
        "outcome": each.outcome,
        "good": each.good,
        "began": each.began,
        "start_s": each.up_s,
        "took_s": each.seconds,
        "tests": len(each.tests),
        "failed": [test.name for test in each.failed_tests],
        "services": {service.name: service.ready_after_s for service in each.services},
    }


def _row(each: RunRecord) -> dict[str, str]:
    return {
        "run": each.name,
        "began": datetime.fromtimestamp(each.began, UTC).strftime("%m-%d %H:%M:%S"),
        "engine": each.engine,
        "outcome": _shortened(each.outcome.partition("\n")[0]),
        "start": "" if each.up_s is None else f"{each.up_s:.1f} s",
        "took": f"{each.seconds:.1f} s",
        "tests": _tests(each),
    }


def _shortened(text: str) -> str:
    return text if len(text) <= OUTCOME_WIDTH else f"{text[: OUTCOME_WIDTH - 1]}…"


def _tests(each: RunRecord) -> str:
    failed = len(each.failed_tests)
    return f"{failed} of {len(each.tests)} failed" if failed else str(len(each.tests) or "")
