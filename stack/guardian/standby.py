"""The standby of a stack: a process that has everything imported that data commands need.

It is ``python -m stack.commands.standby``, started by its name because commands stand above the guardian.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from stack.data import stores
from stack.plan.plan import Plan
from stack.records.request import Request
from stack.system import kernel, programs, tasks

LOG = "standby.log"
PAUSE_S = 1.0
"""Before it is started again: it ends where the engine's own code has changed."""


@contextlib.asynccontextmanager
async def kept(plan: Plan, request: Request) -> AsyncIterator[None]:
    """Keep the standby running during the block: that of a detached stack which has a Postgres."""
    keeping = None
    if not request.ephemeral and stores.stores_of(plan).server is not None:
        keeping = asyncio.create_task(_keep(request), name="standby")
        keeping.add_done_callback(tasks.log_failure)
    try:
        yield
    finally:
        await tasks.cancel(keeping)


async def _keep(request: Request) -> None:
    while True:
        with (Path(request.run) / LOG).open("ab") as output:
            process = programs.spawn(
                [sys.executable, "-m", "stack.commands.standby", request.name],
                cwd=Path("/"),
                output=output.fileno(),
                own_session=True,
                before=kernel.die_with_parent(),
            )
        try:
            await asyncio.to_thread(process.wait)
        finally:
            process.kill()
        await asyncio.sleep(PAUSE_S)
