"""What the shop counts about itself, where METRICS_ADDRESS says that it is asked for.

Elsewhere every instrument is one that counts nothing, and prometheus_client is not imported. Labels have few
values: routes are templates, methods and states are those that the code knows.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter
from typing import Any, Self

from django.http import HttpRequest, HttpResponse

ENABLED = bool(os.environ.get("METRICS_ADDRESS"))
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN_ROUTE = "{unknown}"
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

route: ContextVar[str] = ContextVar("route", default=UNKNOWN_ROUTE)


class Nothing:
    """The instrument of a process that counts nothing."""

    def labels(self, *values: str) -> Self:
        """Return the instrument itself."""
        del values
        return self

    def inc(self, amount: float = 1) -> None:
        """Count nothing."""

    dec = observe = inc


def _instrument(kind: str, name: str, text: str, *labels: str, **options: Any) -> Any:
    if not ENABLED:
        return Nothing()
    import prometheus_client

    return getattr(prometheus_client, kind)(name, text, labels, **options)


REQUESTS = _instrument(
    "Histogram", "http_server_request_duration_seconds", "Requests, by route: rate, errors, duration.",
    "method", "route", "status", buckets=SECONDS,
)  # fmt: skip
ACTIVE = _instrument(
    "Gauge", "http_server_active_requests", "Requests that a thread is busy with.",
    multiprocess_mode="livesum",
)  # fmt: skip
CACHE_READS = _instrument(
    "Counter", "shop_cache_reads", "Reads of the cache: hit, miss or unavailable.", "cache", "result"
)
CIRCUIT_OPENED = _instrument(
    "Counter", "shop_redis_circuit_opened", "How often Redis was given up for a moment.", "circuit"
)
THROTTLED = _instrument("Counter", "shop_throttled", "Attempts that a rate limit refused.", "limit")
SLOTS_IN_USE = _instrument(
    "Gauge", "shop_slots_in_use", "Slots for costly work that are taken.", "slots",
    multiprocess_mode="livesum",
)  # fmt: skip
SLOTS_REFUSED = _instrument("Counter", "shop_slots_refused", "Requests that found no slot free.", "slots")
DATABASE_CONNECTIONS = _instrument(
    "Counter", "shop_database_connections_opened", "Connections to the database that were opened."
)
WORKER_JOBS = _instrument("Counter", "shop_worker_jobs", "Runs of the worker's jobs.", "job", "outcome")


class MetricsMiddleware:
    """Measure every request, under the template of its route; it is the outermost middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = request.method if request.method in METHODS else "OTHER"
        route.set(UNKNOWN_ROUTE)
        ACTIVE.inc()
        started = perf_counter()
        try:
            response = self.get_response(request)
        finally:
            ACTIVE.dec()
        REQUESTS.labels(method, route.get(), response.status_code).observe(perf_counter() - started)
        return response

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Note the route of the view that was found."""
        if request.resolver_match is not None:
            route.set(f"/{request.resolver_match.route}")


def count_database_connections() -> None:
    """Count the connections that Django opens from now on."""
    if ENABLED:
        from django.db.backends.signals import connection_created

        connection_created.connect(_count_connection)


def _count_connection(**_: object) -> None:
    DATABASE_CONNECTIONS.inc()
