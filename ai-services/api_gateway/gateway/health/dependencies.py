"""What the gateway depends on, and how each part answers right now."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from importlib import import_module

from gateway.health.schemas import Dependency, Ready
from gateway.proxy.upstream import Upstream

TIMEOUT_S = 3.0
BACKEND_READINESS = "/health/ready/"


class NotReady(Exception):
    """A dependency answered that it cannot serve."""


async def readiness(upstream: Upstream, redis_url: str) -> Ready:
    """Ask every dependency at the same time."""
    questions: dict[str, Callable[[], Awaitable[None]]] = {"backend": lambda: _ask_backend(upstream)}
    if redis_url:
        await asyncio.to_thread(import_module, "redis.asyncio")  # 0.2 s once, which are not Redis's
        questions["redis"] = lambda: _ask_redis(redis_url)
    answers = await asyncio.gather(*(_ask(question) for question in questions.values()))
    dependencies = dict(zip(questions, answers, strict=True))
    down = [name for name, answer in dependencies.items() if answer.status == "down"]
    return Ready(status="unavailable" if down else "ready", down=down, dependencies=dependencies)


async def _ask(question: Callable[[], Awaitable[None]]) -> Dependency:
    started = time.perf_counter()
    error = ""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await question()
    except TimeoutError:
        error = f"no answer within {TIMEOUT_S:g} s"
    except Exception as failure:  # whatever a client library raises, the dependency is down
        error = f"{type(failure).__name__}: {failure}".splitlines()[0]
    latency_ms = round((time.perf_counter() - started) * 1000, 2)
    return Dependency(status="down" if error else "up", latency_ms=latency_ms, error=error)


async def _ask_backend(upstream: Upstream) -> None:
    async with await upstream.request("GET", BACKEND_READINESS, []) as answer:
        if answer.status != 200:
            raise NotReady(f"HTTP {answer.status}{_down(await answer.content.read(65536))}")


def _down(body: bytes) -> str:
    """Answer what the backend itself is waiting for, where its answer says so."""
    try:
        names = json.loads(body)["down"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f", down: {', '.join(map(str, names))}" if isinstance(names, list) and names else ""


async def _ask_redis(url: str) -> None:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    client = Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))
    try:
        await client.ping()
    finally:
        await client.aclose()
