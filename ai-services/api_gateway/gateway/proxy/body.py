"""The client's side of an exchange: its body as it comes, and its leaving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive


class ClientLeft(Exception):
    """The client closed its connection: nobody waits for the answer."""


class RequestBody:
    """What the client sends, part by part.

    ``awaited`` while it is the client whom everybody waits for, ``client_left`` once it is gone.
    """

    def __init__(self, receive: Receive, *, expected: bool) -> None:
        self._receive = receive
        self._complete = asyncio.Event()
        self.client_left = False
        self.awaited = False
        if not expected:
            self._complete.set()

    @property
    def complete(self) -> bool:
        """Answer whether there is nothing more to be read."""
        return self._complete.is_set()

    async def parts(self) -> AsyncIterator[bytes]:
        """Answer each part as it arrives.

        Raises:
            ClientLeft: before the last part.
        """
        while not self.complete:
            self.awaited = True
            message = await self._receive()
            self.awaited = False
            if message["type"] == "http.disconnect":
                self.client_left = True
                raise ClientLeft
            if not message.get("more_body", False):
                self._complete.set()
            if part := message.get("body", b""):
                yield part

    async def wait_until_client_leaves(self) -> None:
        """Return when the connection is gone; only then is receive() free to be asked by somebody else."""
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.client_left = True


@asynccontextmanager
async def while_client_waits(body: RequestBody) -> AsyncIterator[None]:
    """Cancel the block as soon as the client leaves.

    Raises:
        ClientLeft: in place of the cancellation.
    """
    task = asyncio.current_task()
    assert task is not None

    async def watch() -> None:
        await body.wait_until_client_leaves()
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        # The same test as in asyncio.timeout: somebody else may have cancelled this task, too.
        if not body.client_left or task.uncancel() > 0:
            raise
        raise ClientLeft from None
    finally:
        watcher.cancel()
