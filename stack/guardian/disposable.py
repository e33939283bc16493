"""Marks the database of a new stack as disposable while nothing is stored in it; opens one left closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from stack.data import exchange, mark
from stack.data.stores import stores_of
from stack.errors import StackError
from stack.plan.plan import Plan, ServicePlan
from stack.records.timeline import Timeline


def marker(plan: Plan, timeline: Timeline) -> Callable[[ServicePlan], Awaitable[None]]:
    """Return what is awaited before a service counts as ready: it marks and opens its database."""
    server = stores_of(plan).server

    async def mark_database(service: ServicePlan) -> None:
        if server is None or service.name != server.service:
            return
        try:
            await asyncio.to_thread(exchange.open_abandoned, server)
            await asyncio.to_thread(mark.mark_if_empty, server)
        except StackError as error:
            timeline.note(f"the database has no disposable mark: {error.message}")

    return mark_database
