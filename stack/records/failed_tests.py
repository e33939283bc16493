"""The failed integration tests of a run, as integration_tests/failures.py recorded them."""

from __future__ import annotations

from pathlib import Path

import msgspec

FILE = "failures.jsonl"


class FailedTest(msgspec.Struct, frozen=True, kw_only=True):
    """One failed test. ``started`` and ``ended`` are seconds since the epoch.

    ``place`` is where the assertion is; ``steps`` are the statements of test and helper that failed.

    ``answer`` is the last HTTP answer of status 500 or more and ``request`` its request, "" where there was
    none; else ``last_answer`` is its last request with the answer, where that refused it (status 400 to 499).
    ``request_ids`` are those of all the test's requests, ``trace_id`` is that of its trace.
    """

    test: str
    place: str
    message: str
    steps: tuple[str, ...] = ()
    answer: str = ""
    request: str = ""
    last_answer: str = ""
    request_ids: tuple[str, ...] = ()
    trace_id: str = ""
    started: float = 0.0
    ended: float = 0.0


def read(run: Path) -> list[FailedTest]:
    """Return the failed tests of a run, in the order in which they failed; a torn last line is left out."""
    try:
        lines = (run / FILE).read_bytes().splitlines()
    except OSError:
        return []
    failed = []
    for line in lines:
        try:
            failed.append(msgspec.json.decode(line, type=FailedTest))
        except msgspec.DecodeError:
            continue
    return failed
