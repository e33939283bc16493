"""The request body as a stream, and the client's disconnect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive


class ClientDisconnected(Exception):
    """The client closed its connection before the response."""


class RequestBody:
    """The body of a request, chunk by chunk.

    ``waiting_for_client`` is true while a chunk is outstanding, ``disconnected`` once the client has left.
    """

    def __init__(self, receive: Receive, *, expected: bool) -> None:
        self._receive = receive
        self._complete = asyncio.Event()
        self.disconnected = False
        self.waiting_for_client = False
        if not expected:
            self._complete.set()

    @property
    def complete(self) -> bool:
        """Return whether the whole body was read."""
        return self._complete.is_set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield each chunk as it arrives.

        Raises:
            ClientDisconnected: before the last chunk.
        """
        while not self.complete:
            self.waiting_for_client = True
            message = await self._receive()
            self.waiting_for_client = False
            if message["type"] == "http.disconnect":
                self.disconnected = True
                raise ClientDisconnected
            if not message.get("more_body", False):
                self._complete.set()
            if chunk := message.get("body", b""):
                yield chunk

    async def wait_for_disconnect(self) -> None:
        """Wait until the client disconnects; until the body is complete, only ``chunks`` calls receive()."""
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.disconnected = True


@asynccontextmanager
async def cancel_on_disconnect(body: RequestBody) -> AsyncIterator[None]:
    """Cancel the block as soon as the client disconnects.

    Raises:
        ClientDisconnected: in place of the cancellation.
    """
    task = asyncio.current_task()
    assert task is not None

    async def watch() -> None:
        await body.wait_for_disconnect()
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        # As in asyncio.timeout: the task may have been cancelled from elsewhere, too.
        if not body.disconnected or task.uncancel() > 0:
            raise
        raise ClientDisconnected from None
    finally:
        watcher.cancel()
