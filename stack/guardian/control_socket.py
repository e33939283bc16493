"""The control socket of a guardian: one command a connection, one JSON line each way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec

from stack.records.control import Command, Reply

Serve = Callable[[Command], Awaitable[Reply]]
"""Do what a command asks for."""


@contextlib.asynccontextmanager
async def listening(path: Path, serve: Serve) -> AsyncIterator[None]:
    """Reply to commands by ``serve`` as long as the context lasts."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, msgspec.MsgspecError, asyncio.IncompleteReadError):
                command = msgspec.json.decode(await reader.readline(), type=Command)
                writer.write(msgspec.json.encode(await serve(command)) + b"\n")
                await writer.drain()
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(answer, path)
    try:
        yield
    finally:
        server.close()
