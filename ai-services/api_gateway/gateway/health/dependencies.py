"""What the gateway depends on, and the state of each dependency."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Literal

from gateway.health.schemas import Dependency, Readiness, Status
from gateway.proxy.upstream import Upstream

TIMEOUT_S = 3.0
BACKEND_READINESS = "/health/ready/"
REQUIRED = frozenset({"backend"})


class DependencyUnavailable(Exception):
    """A dependency responded that it cannot serve."""


class SharedReadiness:
    """One check at a time: whoever asks while it runs gets its result.

    So no number of questions takes more than one of the backend's connections.
    """

    def __init__(self, check: Callable[[], Awaitable[Readiness]]) -> None:
        self._check = check
        self._running: asyncio.Future[Readiness] | None = None

    async def get(self) -> Readiness:
        """Return the state of every dependency."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._check())
        return await asyncio.shield(self._running)  # who leaves does not take it from the others


async def check_readiness(upstream: Upstream, redis_url: str) -> Readiness:
    """Check every dependency, all at the same time."""
    checks: dict[str, Callable[[], Awaitable[None]]] = {"backend": lambda: _check_backend(upstream)}
    if redis_url:
        await asyncio.to_thread(import_module, "redis.asyncio")  # 0.2 s once, not part of Redis's latency
        checks["redis"] = lambda: _check_redis(redis_url)
    results = await asyncio.gather(
        *(_measure(check, required=name in REQUIRED) for name, check in checks.items())
    )
    dependencies = dict(zip(checks, results, strict=True))
    return summarize(dependencies)


def summarize(dependencies: dict[str, Dependency]) -> Readiness:
    """Return ``unavailable`` without a required dependency, ``degraded`` without any other one."""
    down = [name for name, dependency in dependencies.items() if dependency.status == "down"]
    status: Status = "degraded" if down else "ready"
    if any(dependencies[name].required for name in down):
        status = "unavailable"
    return Readiness(status=status, down=down, dependencies=dependencies)


async def _measure(check: Callable[[], Awaitable[None]], *, required: bool) -> Dependency:
    started = time.perf_counter()
    error = ""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await check()
    except TimeoutError:
        error = f"no response within {TIMEOUT_S:g} s"
    except Exception as failure:  # any error of a client library means that the dependency is down
        error = f"{type(failure).__name__}: {failure}".splitlines()[0]
    latency_ms = round((time.perf_counter() - started) * 1000, 2)
    status: Literal["up", "down"] = "down" if error else "up"
    return Dependency(status=status, required=required, latency_ms=latency_ms, error=error)


async def _check_backend(upstream: Upstream) -> None:
    async with await upstream.request("GET", BACKEND_READINESS, []) as response:
        if response.status != 200:
            detail = _down_in(await response.content.read(65536))
            raise DependencyUnavailable(f"HTTP {response.status}{detail}")


def _down_in(body: bytes) -> str:
    """Return the names of the backend's own dependencies that are down, if its response lists them."""
    try:
        names = json.loads(body)["down"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f", down: {', '.join(map(str, names))}" if isinstance(names, list) and names else ""


async def _check_redis(url: str) -> None:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    client = Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))
    try:
        await client.ping()
    finally:
        await client.aclose()
