"""Marks the database of a new stack as disposable, and opens one that a command left closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from stack.data import exchange, mark
from stack.data.stores import Server, stores_of
from stack.engines.protocol import Running
from stack.errors import StackError
from stack.plan.plan import Plan, ServicePlan
from stack.records.timeline import Timeline

FIRST_PAUSE_S, LONGEST_PAUSE_S, ATTEMPTS = 0.1, 5.0, 20
"""About a minute: a server without a health check may still be starting."""


def marker(plan: Plan, timeline: Timeline) -> Callable[[ServicePlan, Running], Awaitable[None]]:
    """Return what is awaited when a service is up: it marks and opens the database of Postgres."""
    server, began = stores_of(plan).server, time.time()

    async def mark_database(service: ServicePlan, running: Running) -> None:
        if server is None or service.name != server.service:
            return
        try:
            new = await running.data_is_new(since=began)
            await _mark(server, new, attempts=1 if service.healthcheck else ATTEMPTS)
        except StackError as error:
            timeline.note(f"the database has no disposable mark: {error.message}")

    return mark_database


async def _mark(server: Server, new: bool, *, attempts: int) -> None:
    for attempt in range(1, attempts + 1):
        try:
            await asyncio.to_thread(exchange.open_abandoned, server)
            await asyncio.to_thread(mark.mark_if_new, server, new=new)
            return
        except StackError:
            if attempt == attempts:
                raise
        await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt))
