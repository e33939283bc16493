"""The route of a request, as traces and metrics name it: of few values, whatever is asked for."""

from __future__ import annotations

API = "/api/v1/"
FORWARDED = "/api/v1/{path}"
UNKNOWN = "{unknown}"
PAGES = frozenset({"/", "/docs", "/openapi.json", "/health", "/health/ready"})


def route_of(path: str) -> str:
    """Return the route that a path belongs to."""
    if path.startswith(API):
        return FORWARDED
    return path if path in PAGES else UNKNOWN
