"""Work that is cancelled when the stack is to end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Ended(Exception):
    """The stack was to end before the work was done."""


async def until_end(work: Coroutine[Any, Any, T], end: asyncio.Event) -> T:
    """Return the result of ``work``; cancel it when ``end`` is set.

    Raises:
        Ended: it was cancelled.
    """
    task = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(end.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Ended
        return task.result()
    finally:
        waiting.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
