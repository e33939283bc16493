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

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self._folder, self._receiver = folder, receiver

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its samples."""
        ready = GaugeMetricFamily(
            "stack_service_ready_seconds",
            "From a service's start until it was ready, in the newest run.",
            labels=["service"],
        )
        for name, seconds in self._ready().items():
            ready.add_metric([name], seconds)
        yield ready
        yield CounterMetricFamily("stack_spans_received", "Spans received.", self._receiver.received)
        yield CounterMetricFamily("stack_spans_dropped", "Spans dropped.", self._receiver.dropped)

    def _ready(self) -> dict[str, float]:
        newest = next(iter(runs.names(self._folder)), None)
        return runs.ready_seconds(self._folder / newest) if newest is not None else {}


def text(folder: Path, receiver: Receiver) -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(StackCollector(folder, receiver))
    return generate_latest(registry)
