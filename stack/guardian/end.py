"""Work that is cancelled when the stack is to end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from stack.system import tasks

T = TypeVar("T")


class Ended(Exception):
    """The stack was to end before the work was done."""


async def until_end(work: Coroutine[Any, Any, T], end: asyncio.Event) -> T:
    """Return the result of ``work``; cancel it when ``end`` is set.

    Raises:
        Ended: it was cancelled.
    """
    task = asyncio.create_task(work)
    waiting = asyncio.create_task(end.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Ended
        return task.result()
    finally:
        waiting.cancel()
        await tasks.cancel(task)
