"""A record of each failed test: its assertion, its time, and what the services answered it.

``nox -s integration`` reads ``failures.jsonl`` in the run's folder (STACK_RUN) and joins it with the
services' logs by the requests' ids; without STACK_RUN nothing is recorded.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from shop import exchanges, timeouts, trace

FILE = "failures.jsonl"
MESSAGE_LINES = 6
TIMEOUTS = 12
"""So many requests without an answer in time show what is wrong; more of them only take longer."""

HERE = Path(__file__).parent
STARTED = pytest.StashKey[float]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the record of a test."""
    exchanges.clear()
    item.stash[STARTED] = time.time()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show only the frames of this folder, and record a failure."""
    statements = steps(item, call)
    if call.excinfo is not None:
        own = call.excinfo.traceback.filter(lambda entry: HERE in Path(entry.path).parents)
        call.excinfo.traceback = own or call.excinfo.traceback
    report = yield
    if report.failed and (run := os.environ.get("STACK_RUN")):
        with Path(run, FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record(item, report) | {"steps": statements}) + "\n")
    if report.failed and len(timeouts) >= TIMEOUTS:
        item.session.shouldfail = (
            f"{len(timeouts)} requests had no answer in time: the other tests are left out"
        )
    return report


def record(item: pytest.Item, report: pytest.TestReport) -> dict[str, Any]:
    """Return what is known of a failed test; times are seconds since the epoch."""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = str(crash.message if crash else report.longrepr).splitlines()[:MESSAGE_LINES]
    place = f"{Path(crash.path).name}:{crash.lineno}" if crash else item.path.name
    done = list(exchanges)
    failed = next((one for one in reversed(done) if one.status >= 500), None)
    last = done[-1] if done and failed is None and done[-1].status >= 400 else None
    return {
        "test": item.name,
        "place": place,
        "message": "\n".join(message),
        "answer": "" if failed is None else failed.sentence(),
        "request": "" if failed is None else failed.request,
        "last_answer": "" if last is None else f"{last.request}: {last.sentence()}",
        "request_ids": [one.request_id for one in done if one.request_id],
        "trace_id": trace.trace_id,
        "started": item.stash[STARTED],
        "ended": time.time(),
    }


def steps(item: pytest.Item, call: pytest.CallInfo[Any]) -> list[str]:
    """Return the statement of the test itself that failed, with its place; then that of a helper of ours."""
    entries = call.excinfo.traceback if call.excinfo is not None else []
    own = [entry for entry in entries if HERE in Path(entry.path).parents or Path(entry.path) == item.path]
    of_test = [entry for entry in own if Path(entry.path) == item.path]
    return [_statement(entry) for entry in dict.fromkeys([*of_test[-1:], *own[-1:]])]


def _statement(entry: Any) -> str:
    return f"{Path(entry.path).name}:{entry.lineno + 1}: {' '.join(str(entry.statement).split())}"
