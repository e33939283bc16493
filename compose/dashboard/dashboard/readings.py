"""What one answer of a service says, of all its metrics: those that the page draws."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

REQUESTS = "http_server_request_duration_seconds"
JOBS, ORDERS, OUTBOX_LAG = "shop_worker_jobs_total", "shop_orders", "shop_outbox_lag_seconds"

STATES_LIMIT, BUCKETS_LIMIT = 12, 64
OTHERS = "others"
"""Under this name are the states beyond STATES_LIMIT."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One answer. Counters are totals since the service began, None where it has none.

    ``buckets`` maps the upper bound of a duration, in seconds, to how many requests took at most so long;
    ``orders`` maps a state to the orders in it.
    """

    requests: float | None = None
    errors: float = 0.0
    buckets: Mapping[float, float] = field(default_factory=dict)
    jobs: float | None = None
    failed_jobs: float = 0.0
    orders: Mapping[str, float] = field(default_factory=dict)
    outbox_lag_s: float | None = None


def read(text: str) -> Reading:
    """Return what a text in Prometheus' format says.

    Raises:
        ValueError: it has another format.
    """
    samples: dict[str, list[Sample]] = defaultdict(list)
    for sample in _samples(text):
        samples[sample.name].append(sample)
    counts, jobs = samples[f"{REQUESTS}_count"], samples[JOBS]
    lag = samples[OUTBOX_LAG]
    return Reading(
        requests=_total(counts) if counts else None,
        errors=_total([each for each in counts if each.labels.get("status", "").startswith("5")]),
        buckets=_buckets(samples[f"{REQUESTS}_bucket"]),
        jobs=_total(jobs) if jobs else None,
        failed_jobs=_total([each for each in jobs if each.labels.get("outcome") == "failed"]),
        orders=_orders(samples[ORDERS]),
        outbox_lag_s=lag[0].value if lag else None,
    )


def _samples(text: str) -> Iterator[Sample]:
    """Yield the samples whose value is a number: JSON has no others."""
    from prometheus_client.parser import (
        text_string_to_metric_families,
    )  # costs who never opens the page nothing

    for family in text_string_to_metric_families(text):
        yield from (sample for sample in family.samples if math.isfinite(sample.value))


def _total(samples: list[Sample]) -> float:
    return sum(sample.value for sample in samples)


def _buckets(samples: list[Sample]) -> dict[float, float]:
    """Add up the buckets of all routes, methods and states."""
    buckets: dict[float, float] = defaultdict(float)
    for sample in samples:
        buckets[float(sample.labels.get("le", "inf"))] += sample.value
    return dict(sorted(buckets.items())[-BUCKETS_LIMIT:])


def _orders(samples: list[Sample]) -> dict[str, float]:
    orders: dict[str, float] = defaultdict(float)
    for sample in samples:
        state = sample.labels.get("state", "")
        orders[state if state in orders or len(orders) < STATES_LIMIT else OTHERS] += sample.value
    return dict(orders)
