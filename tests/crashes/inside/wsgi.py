"""The shop's application; the request header X-Crash injects a fault into the worker that answers it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from crashes.inside import ledger, points
from crashes.steps import PLACES

_shop: Callable[..., Iterable[bytes]] = importlib.import_module("config.wsgi").application
importlib.import_module("config.api_urls")  # before the fork: else every successor of a killed worker does it
ledger.record_calls()  # inside of the places that are watched: `after charge` is after the money has moved
points.watch(PLACES)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Handle a request as the shop does, with the fault of its X-Crash header."""
    points.arm(environ.get("HTTP_X_CRASH", ""))
    try:
        return _shop(environ, start_response)
    finally:
        points.arm("")
