"""Work that ends: when the stack is to end, or at its own deadline."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from stack.errors import StackError
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


@contextlib.asynccontextmanager
async def limited(what: str, limit_s: float) -> AsyncIterator[None]:
    """Give the block ``limit_s`` seconds; ``what`` it does is named where they are not enough.

    Raises:
        StackError: it did not end in that time.
    """
    try:
        async with asyncio.timeout(limit_s) as deadline:
            yield
    except TimeoutError as error:
        if not deadline.expired():  # it is the block's own
            raise
        raise StackError(
            f"{what} did not end within {limit_s:g} s.", hint="See guardian.log in the folder of the run."
        ) from error
