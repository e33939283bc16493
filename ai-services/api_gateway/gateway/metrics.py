"""What the gateway counts, where METRICS_ADDRESS says that it is asked for; else nothing is imported.

`/metrics` is served at that address, not among the gateway's own pages: what they show is public.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from starlette.types import Scope

from gateway.routes import route_of
from gateway.settings import Settings

if TYPE_CHECKING:
    from aiohttp import TraceConfig

ENABLED = bool(os.environ.get("METRICS_ADDRESS"))
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)


class Nothing:
    """The instrument of a process that counts nothing."""

    def labels(self, *values: str) -> Self:
        """Return the instrument itself."""
        del values
        return self

    def inc(self, amount: float = 1) -> None:
        """Count nothing."""

    dec = observe = inc

    def set_function(self, function: Callable[[], float]) -> None:
        """Show nothing."""


def _instrument(kind: str, name: str, text: str, *labels: str, **options: Any) -> Any:
    if not ENABLED:
        return Nothing()
    import prometheus_client

    return getattr(prometheus_client, kind)(name, text, labels, **options)


REQUESTS = _instrument(
    "Histogram", "http_server_request_duration_seconds", "Requests, by route: rate, errors, duration.",
    "method", "route", "status", buckets=SECONDS,
)  # fmt: skip
ACTIVE = _instrument("Gauge", "http_server_active_requests", "Requests in progress.")
CLIENTS = _instrument("Gauge", "gateway_client_connections", "Open connections of clients.")
PROBLEMS = _instrument("Counter", "gateway_problems", "Errors of the gateway itself, by kind.", "kind")
POOL = _instrument("Counter", "gateway_backend_connections", "Connections to the backend.", "connection")
SHARES_IN_USE = _instrument("Gauge", "gateway_shares_in_use", "What requests hold at this moment.", "of")
SHARES_LIMIT = _instrument("Gauge", "gateway_shares_limit", "What all requests together may hold.", "of")


def start(settings: Settings) -> None:
    """Serve `/metrics` in a thread.

    Raises:
        OSError: the address cannot be used.
    """
    if settings.metrics_address is not None:
        from prometheus_client import start_http_server

        host, port = settings.metrics_address
        start_http_server(port, host)


def observe(scope: Scope, status: int, elapsed_s: float) -> None:
    """Count a request and its duration; the method and the route have few values."""
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    REQUESTS.labels(method, route_of(scope["path"]), str(status)).observe(elapsed_s)


def show_shares(name: str, *, total: int, in_use: Callable[[], int]) -> None:
    """Show at every scrape how much is in use of what requests share."""
    SHARES_LIMIT.labels(name).set_function(lambda: total)
    SHARES_IN_USE.labels(name).set_function(in_use)


def pool_tracing() -> list[TraceConfig]:
    """Return what counts the connections of a client session: those that are opened and those used again."""
    if not ENABLED:
        return []
    from aiohttp import TraceConfig

    async def opened(*_: object) -> None:
        POOL.labels("opened").inc()

    async def reused(*_: object) -> None:
        POOL.labels("reused").inc()

    config = TraceConfig()
    config.on_connection_create_end.append(opened)
    config.on_connection_reuseconn.append(reused)
    return [config]
