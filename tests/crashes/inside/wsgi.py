"""The shop's application, in which a request can carry its own worker's death: the header X-Crash."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from crashes.inside import ledger, points
from crashes.steps import PLACES

_shop: Callable[..., Iterable[bytes]] = importlib.import_module("config.wsgi").application
importlib.import_module("config.api_urls")  # before the fork: else every successor of a killed worker does it
ledger.keep()  # inside of the places that are watched: `after charge` is after the money has moved
points.watch(PLACES)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Return as the shop does, unless the request is not meant to be answered."""
    points.arm(environ.get("HTTP_X_CRASH", ""))
    try:
        return _shop(environ, start_response)
    finally:
        points.arm("")
