"""What the stack measures of itself, for Prometheus: how soon its services were ready, the spans received."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard import runs
from dashboard.receiver import Receiver

CONTENT_TYPE = CONTENT_TYPE_LATEST


class StackCollector(Collector):
    """Reads the newest run's record whenever it is asked."""

    def __init__(self, newest: Path | None, receiver: Receiver) -> None:
        self._newest, self._receiver = newest, receiver

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its samples."""
        ready = GaugeMetricFamily(
            "stack_service_ready_seconds",
            "From a service's start until it was ready, in the newest run.",
            labels=["service"],
        )
        ready_seconds = runs.ready_seconds(self._newest) if self._newest is not None else {}
        for name, seconds in ready_seconds.items():
            ready.add_metric([name], seconds)
        yield ready
        yield CounterMetricFamily("stack_spans_received", "Spans received.", self._receiver.received)
        yield CounterMetricFamily("stack_spans_dropped", "Spans dropped.", self._receiver.dropped)


def text(newest: Path | None, receiver: Receiver) -> bytes:
    """Return all metrics in Prometheus' text format; ``newest`` is the folder of the stack's newest run."""
    registry = CollectorRegistry()
    registry.register(StackCollector(newest, receiver))
    return generate_latest(registry)
