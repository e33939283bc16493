"""What the backend depends on, and whether each of it works right now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

TIMEOUT_S = 1.0


@dataclass(frozen=True, kw_only=True)
class DependencyStatus:
    """Whether one dependency works; `error` is empty when it does. `latency_ms` is milliseconds."""

    name: str
    required: bool
    latency_ms: float
    error: str = ""

    def body(self) -> dict[str, Any]:
        """Return the JSON members of this dependency."""
        members: dict[str, Any] = {
            "status": "down" if self.error else "up",
            "required": self.required,
            "latency_ms": self.latency_ms,
        }
        return {**members, "error": self.error} if self.error else members


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The status of every dependency, and what follows from them."""

    dependencies: tuple[DependencyStatus, ...]

    @property
    def down(self) -> list[str]:
        """Return the names of the dependencies that do not work."""
        return [one.name for one in self.dependencies if one.error]

    @property
    def status(self) -> str:
        """Return `ready`, `degraded` (works, slower) or `unavailable`."""
        if any(one.error and one.required for one in self.dependencies):
            return "unavailable"
        return "degraded" if self.down else "ready"

    @property
    def http_status(self) -> int:
        """Return 503 only when the shop cannot work at all."""
        return 503 if self.status == "unavailable" else 200

    def body(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "status": self.status,
            "service": "backend",
            "down": self.down,
            "dependencies": {one.name: one.body() for one in self.dependencies},
        }


def readiness() -> Readiness:
    """Check every dependency that is configured; only the database is required."""
    dependencies = [_check("database", True, _check_database)]
    if settings.REDIS_URL:
        dependencies.append(_check("redis", False, _check_redis))
    return Readiness(dependencies=tuple(dependencies))


def _check(name: str, required: bool, check: Callable[[], None]) -> DependencyStatus:
    started = time.perf_counter()
    error = ""
    try:
        check()
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}".splitlines()[0]
    latency_ms = round((time.perf_counter() - started) * 1000, 2)
    return DependencyStatus(name=name, required=required, latency_ms=latency_ms, error=error)


def _check_database() -> None:
    from django.db import connection

    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_redis() -> None:
    import redis

    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None
    )
    try:
        client.ping()
    finally:
        client.close()
