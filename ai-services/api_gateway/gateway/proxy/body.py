"""The request body, read in full before anything else is taken, and the client's disconnect."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from starlette.types import Receive

from gateway.problems import Problem
from gateway.proxy.shares import Share

LIMIT_BYTES = 1024 * 1024
"""The backend accepts no more (its DATA_UPLOAD_MAX_MEMORY_SIZE)."""
GRACE_S = (8.0, 12.0)
"""Chosen between these for each body: many slow clients are not all disconnected at one moment."""
MINIMUM_RATE = 1024
"""Bytes a second, on average once GRACE_S is over."""


class ClientDisconnected(Exception):
    """The client closed its connection before the response."""


async def read_body(
    receive: Receive, headers: Iterable[tuple[bytes, bytes]], *, deadline_s: float, memory: Share
) -> bytes:
    """Return the whole body.

    Raises:
        Problem: 413 too large, 408 slower than MINIMUM_RATE or not complete in ``deadline_s``, 503 no memory.
        ClientDisconnected: before the last chunk.
    """
    if any(name == b"content-length" and int(value) > LIMIT_BYTES for name, value in headers):
        raise _too_large()
    now = asyncio.get_running_loop().time
    started, grace_s, body, more = now(), random.uniform(*GRACE_S), bytearray(), True
    try:
        async with asyncio.timeout(min(grace_s, deadline_s)) as limit:
            while more:
                chunk, more = await _next_chunk(receive)
                memory.take(len(chunk))
                body += chunk
                if len(body) > LIMIT_BYTES:
                    raise _too_large()
                limit.reschedule(started + min(grace_s + len(body) / MINIMUM_RATE, deadline_s))
    except TimeoutError:
        raise Problem(408, "request-timeout", "The request body arrived too slowly.") from None
    return bytes(body)


@asynccontextmanager
async def cancel_on_disconnect(receive: Receive) -> AsyncIterator[None]:
    """Cancel the block as soon as the client disconnects.

    Raises:
        ClientDisconnected: in place of the cancellation.
    """
    task = asyncio.current_task()
    assert task is not None
    disconnected = False

    async def watch() -> None:
        nonlocal disconnected
        while (await receive())["type"] != "http.disconnect":
            pass
        disconnected = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        # As in asyncio.timeout: the task may have been cancelled from elsewhere, too.
        if not disconnected or task.uncancel() > 0:
            raise
        raise ClientDisconnected from None
    finally:
        watcher.cancel()


async def _next_chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnected
    return message.get("body", b""), message.get("more_body", False)


def _too_large() -> Problem:
    return Problem(413, "too-large", f"The request body is larger than {LIMIT_BYTES // 1024} KiB.")
