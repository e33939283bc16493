"""How asyncio tasks end that nobody awaits: no exception of theirs is lost."""

from __future__ import annotations

import asyncio
import logging
from typing import Any


def failure(task: asyncio.Task[Any]) -> str:
    """Return what ended a task, as ``ValueError: odd``; empty where it did its work or was told to end."""
    if task.cancelled():
        return "" if task.cancelling() else "CancelledError"
    error = task.exception()
    return f"{type(error).__name__}: {error}" if error is not None else ""


def log_failure(task: asyncio.Task[Any]) -> None:
    """Log what ended a task where that is a failure; a callback for ``add_done_callback``."""
    if text := failure(task):
        error = None if task.cancelled() else task.exception()
        logging.getLogger("stack").error("%s: %s", task.get_name(), text, exc_info=error)


async def cancel(*tasks: asyncio.Task[Any] | None, limit_s: float | None = None) -> None:
    """Cancel tasks and wait until they have ended, ``limit_s`` at most; log those that fail instead."""
    running = {task for task in tasks if task is not None and not task.done()}
    for task in running:
        task.add_done_callback(log_failure)
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=limit_s)
