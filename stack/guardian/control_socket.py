"""The control socket of a guardian: one command a connection, one JSON line each way."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec

from stack.errors import StackError
from stack.records.control import Command, Outcome, Reply
from stack.system import private_folder

Serve = Callable[[Command], Awaitable[Reply]]
"""Do what a command asks for."""
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Read a command and write its reply."""


async def _reply(line: bytes, serve: Serve) -> Reply:
    """Return the reply to a line; an exception is logged, and is the reply."""
    try:
        return await serve(msgspec.json.decode(line, type=Command))
    except Exception as error:
        logging.getLogger("stack").exception("%s", line)
        text = f"The engine failed: {type(error).__name__}: {error}."
        return Reply(outcome=Outcome.FAILED, error=text, code=StackError.code)


async def _listen(path: Path, answer: Answer) -> asyncio.Server:
    """Listen at ``path``; its folder is there as long as something is in it."""
    while True:
        private_folder.make(path.parent)
        path.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return await asyncio.start_unix_server(answer, path)


@contextlib.asynccontextmanager
async def listening(path: Path, serve: Serve) -> AsyncIterator[None]:
    """Reply to commands by ``serve`` as long as the context lasts."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):  # who asked is gone
                if line := await reader.readline():
                    writer.write(msgspec.json.encode(await _reply(line, serve)) + b"\n")
                    await writer.drain()
        finally:
            writer.close()

    server = await _listen(path, answer)
    try:
        yield
    finally:
        server.close()
