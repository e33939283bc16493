"""The databases of a stack that is up: marked as disposable if new, opened if they were left closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from stack.data import journal, mark
from stack.data.stores import Server, servers_of
from stack.engines.protocol import Running
from stack.errors import StackError
from stack.plan.plan import Plan, ServicePlan
from stack.records import unmarked
from stack.records.timeline import Timeline

PAUSE_S, ATTEMPTS = 0.5, 120
"""A minute: a server without a health check may still be starting, and a person types when it answers."""


def when_up(plan: Plan, timeline: Timeline) -> Callable[[ServicePlan, Running], Awaitable[None]]:
    """Return what is awaited when a service is up: it opens and marks the stack's databases.

    A database that a service makes, as a migration does, is marked when a service is up after that.
    """
    databases = [_Database(server, timeline) for server in servers_of(plan)]

    async def mark_all(service: ServicePlan, running: Running) -> None:
        for each in databases:
            await each.when_up(service, running)

    return mark_all


class _Database:
    """The database of one server, and whether it is to be marked."""

    def __init__(self, server: Server, timeline: Timeline) -> None:
        self._server, self._timeline, self._began = server, timeline, time.time()
        self._is_to_be_marked = False  # the stack made the server's data, and its database has no mark yet

    async def when_up(self, service: ServicePlan, running: Running) -> None:
        is_server = service.name == self._server.service
        if not is_server and not self._is_to_be_marked:
            return
        try:
            new = await running.data_is_new(since=self._began) if is_server else True
            self._is_to_be_marked = new
            attempts = 1 if service.healthcheck else ATTEMPTS
            if await _mark(self._server, new, attempts=attempts):
                self._is_to_be_marked = False
            elif not new:
                self._note(f"there is no database {self._server.database}.")
        except StackError as error:
            self._note(error.message)

    def _note(self, text: str) -> None:
        self._timeline.note(f"the database of {self._server.service} has no disposable mark: {text}")


async def _mark(server: Server, new: bool, *, attempts: int) -> bool:
    """Mark a database that is new; False: there is none yet, a service may make it later."""
    for attempt in range(1, attempts + 1):
        try:
            await asyncio.to_thread(journal.open_abandoned, server)
            has_mark = await asyncio.to_thread(mark.mark_if_new, server, new=new)
            if has_mark is not None:
                unmarked.record(server.stack, server.service, server.database, has_mark=has_mark)
                return True
        except StackError:
            if attempt == attempts:
                raise
        if attempt < attempts:
            await asyncio.sleep(PAUSE_S)
    return False
