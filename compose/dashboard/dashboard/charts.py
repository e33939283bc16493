"""From a service's readings to what the page draws: values over time.

Counters become rates over the WINDOW_S before each reading, the buckets of durations their 95th percentile,
as Prometheus computes them (https://prometheus.io/docs/prometheus/latest/querying/functions/).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from dashboard.readings import Reading

WINDOW_S = 15.0
PERCENTILE = 0.95

Unit = Literal["per second", "share", "seconds", "orders"]
Point = tuple[float, float | None]
Timed = tuple[float, Reading | None]
"""When a service was asked, and what it said; None where it did not answer."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """``points`` are seconds of the dashboard's clock with values; None where there is no value."""

    title: str
    unit: Unit
    points: list[Point]


def of_service(timed: Sequence[Timed]) -> list[Chart]:
    """Return the charts of what a service does: its requests, or its jobs; none where it has neither."""
    charts = []
    if any(reading is not None and reading.requests is not None for _, reading in timed):
        charts += [
            Chart(title="requests", unit="per second", points=_over(timed, _rate("requests"))),
            Chart(title="errors", unit="share", points=_over(timed, _share("errors", "requests"))),
            Chart(title="95th percentile", unit="seconds", points=_over(timed, _percentile)),
        ]
    if any(reading is not None and reading.jobs is not None for _, reading in timed):
        charts += [
            Chart(title="jobs", unit="per second", points=_over(timed, _rate("jobs"))),
            Chart(title="failed jobs", unit="share", points=_over(timed, _share("failed_jobs", "jobs"))),
        ]
    return charts


def of_shop(timed: Sequence[Timed]) -> list[Chart]:
    """Return the charts of the shop's state, where the service knows it: orders by state, the outbox' lag."""
    readings = [reading for _, reading in timed if reading is not None]
    states = dict.fromkeys(state for reading in readings for state in reading.orders)
    charts = []
    if any(reading.outbox_lag_s is not None for reading in readings):
        lag = _values(timed, lambda reading: reading.outbox_lag_s)
        charts.append(Chart(title="outbox lag", unit="seconds", points=lag))
    for state in states:
        orders = _values(timed, partial(_orders, state))
        charts.append(Chart(title=f"orders: {state.replace('_', ' ')}", unit="orders", points=orders))
    return charts


def _orders(state: str, reading: Reading) -> float | None:
    return reading.orders.get(state)


def _values(timed: Sequence[Timed], value: Callable[[Reading], float | None]) -> list[Point]:
    return [(at, None if reading is None else value(reading)) for at, reading in timed]


Change = Callable[[Reading, Reading, float], float | None]
"""From an earlier reading, a later one and the seconds between them to a value."""


def _over(timed: Sequence[Timed], change: Change) -> list[Point]:
    """Return the value at each reading but the first: compared with the oldest one of its window."""
    points: list[Point] = []
    for index, (at, reading) in enumerate(timed):
        earlier = _earlier(timed[:index], at)
        if reading is None or earlier is None:
            points.append((at, None))
        else:
            points.append((at, change(earlier[1], reading, at - earlier[0])))
    return points


def _earlier(timed: Sequence[Timed], at: float) -> tuple[float, Reading] | None:
    """Return the oldest reading of the window before ``at`` from which on the service always answered."""
    found = None
    for before, reading in reversed(timed):
        if reading is None or at - before > WINDOW_S:
            break
        found = (before, reading)
    return found


def _rate(counter: str) -> Change:
    def rate(before: Reading, after: Reading, elapsed_s: float) -> float | None:
        return _increase(getattr(before, counter), getattr(after, counter)) / elapsed_s

    return rate


def _share(part: str, whole: str) -> Change:
    def share(before: Reading, after: Reading, _: float) -> float | None:
        of = _increase(getattr(before, whole), getattr(after, whole))
        return _increase(getattr(before, part), getattr(after, part)) / of if of else None

    return share


def _percentile(before: Reading, after: Reading, _: float) -> float | None:
    increases = {bound: _increase(before.buckets.get(bound), of) for bound, of in after.buckets.items()}
    return quantile(PERCENTILE, increases)


def _increase(before: float | None, after: float | None) -> float:
    """Return by how much a counter grew; one that is smaller than before began anew."""
    before, after = before or 0.0, after or 0.0
    return after - before if after >= before else after


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """Return the duration that a ``share`` of the requests did not exceed, None where there were none.

    Within a bucket durations are taken as spread evenly; beyond the last bound nothing is known.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank, low, below = share * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            inside = buckets[bound] - below
            return low if math.isinf(bound) else low + (bound - low) * ((rank - below) / (inside or 1.0))
        low, below = bound, buckets[bound]
    return low


def newest(timed: Iterable[Timed]) -> float:
    """Return when a service was asked last, 0 where it never was."""
    return max((at for at, _ in timed), default=0.0)
