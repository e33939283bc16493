"""What differs between two runs: what started to fail, what became slower, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from stack.records.run_record import RunRecord

SECONDS, FACTOR = 0.2, 1.3
"""Seconds and ratio by which both must differ: less is chance."""

Kind = Literal["fails now", "slower", "new", "gone", "faster", "passes now"]
ORDER: tuple[Kind, ...] = ("fails now", "slower", "new", "gone", "faster", "passes now")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference; ``before`` and ``after`` are seconds or outcomes in words."""

    change: Kind
    what: str
    before: str = ""
    after: str = ""

    def row(self) -> dict[str, Any]:
        return asdict(self)


def changes(before: RunRecord, after: RunRecord) -> list[Change]:
    """Return what differs, the worst first."""
    found = [*_outcomes(before, after), *_times(before, after), *_tests(before, after)]
    return sorted(found, key=lambda each: ORDER.index(each.change))


def _outcomes(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    if before.good != after.good:
        yield Change(
            change="passes now" if after.good else "fails now",
            what="the run",
            before=before.outcome,
            after=after.outcome,
        )


def _times(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    yield from _compared("the stack's start", before.up_s, after.up_s)
    earlier = {service.name: service for service in before.services}
    later = {service.name: service for service in after.services}
    for name in earlier.keys() | later.keys():
        if name in earlier and name in later:
            yield from _compared(f"start of {name}", earlier[name].ready_after_s, later[name].ready_after_s)
        else:
            yield Change(change="new" if name in later else "gone", what=f"service {name}")


def _tests(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    earlier = {(test.file, test.name): test for test in before.tests}
    for test in after.tests:
        old = earlier.get((test.file, test.name))
        if old is None:
            if test.outcome == "failed":
                yield Change(change="fails now", what=test.name, before="not there", after="failed")
        elif old.outcome != test.outcome and "failed" in {old.outcome, test.outcome}:
            kind: Kind = "fails now" if test.outcome == "failed" else "passes now"
            yield Change(change=kind, what=test.name, before=old.outcome, after=test.outcome)
        elif test.outcome == "passed":
            yield from _compared(test.name, old.seconds, test.seconds)


def _compared(what: str, before_s: float | None, after_s: float | None) -> Iterator[Change]:
    if before_s is None or after_s is None:
        return
    low_s, high_s = sorted((before_s, after_s))
    if high_s - low_s >= SECONDS and high_s >= low_s * FACTOR:
        yield Change(
            change="slower" if after_s > before_s else "faster",
            what=what,
            before=f"{before_s:.2f} s",
            after=f"{after_s:.2f} s",
        )
