"""The socket on which a guardian is asked for something: one JSON line each way, then it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

Serve = Callable[[str, list[str]], Awaitable[dict[str, Any]]]
"""Does what a verb asks for with some services; answers ``{"ok": bool, ...}``."""


@contextlib.asynccontextmanager
async def listening(path: Path, serve: Serve) -> AsyncIterator[None]:
    """Return ``{"verb", "services"}`` by what ``serve`` answers, as long as the context lasts."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            asked = json.loads(await reader.readline())
            said = await serve(str(asked["verb"]), [str(s) for s in asked.get("services", [])])
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
        writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(answer, path)
    try:
        yield
    finally:
        server.close()
