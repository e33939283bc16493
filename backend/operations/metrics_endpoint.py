"""`/metrics` at METRICS_ADDRESS: an address of its own, which no compose file publishes.

Gunicorn's workers listen there, too; whichever takes the request adds up what all of them count
(https://prometheus.github.io/client_python/multiprocess/).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector

from config.access import SCRAPE
from config.logs import request_id
from operations.shop_metrics import ShopCollector

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WithMetrics:
    """The shop, and `/metrics` where a request came in through the port that is meant for it."""

    def __init__(self, shop: WSGIApplication, *, port: int) -> None:
        self.shop, self.port = shop, str(port)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Return the response of one of the two."""
        if environ["SERVER_PORT"] != self.port:
            return self.shop(environ, start_response)
        request_id.set("-")  # the last request of this thread has left its own
        if environ["PATH_INFO"] != "/metrics":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"Only /metrics is here.\n"]
        environ[SCRAPE] = True
        return self.metrics(environ, start_response)

    @cached_property
    def metrics(self) -> WSGIApplication:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=os.environ["PROMETHEUS_MULTIPROC_DIR"])
        registry.register(ShopCollector())
        return make_wsgi_app(registry)
