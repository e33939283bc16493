"""Programs that an event loop runs: to their end, or followed as they write."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stack.system import programs
from stack.system.completed import Completed, Streams, cannot_be_run, completed, timed_out


async def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = programs.LIMIT_S,
    check: bool = True,
    user: str | None = None,
    grace_s: float = 0.0,
) -> Completed:
    """Do as ``programs.run`` without blocking the event loop.

    The program leads a session, which is ended as a whole at the deadline and on cancellation: by SIGKILL,
    or by SIGTERM first where it has ``grace_s`` to end by itself.

    Raises:
        CommandFailed: as for ``programs.run``.
    """
    words = programs.echo(argv)
    with Streams() as streams:
        process = await _start_async(
            words,
            cwd=cwd,
            env=programs.environment_of(env),
            stdout=streams.out,
            stderr=streams.err,
            **programs.identity(user),
        )
        ending = asyncio.ensure_future(process.wait())
        try:
            ended, _ = await asyncio.wait({ending}, timeout=timeout_s)
        finally:
            if not ending.done():
                await _end_session(process.pid, ending, grace_s)
        if not ended:
            raise timed_out(words, timeout_s, streams)
        return completed(words, ending.result(), streams, check=check)


async def follow(argv: Sequence[str | Path], feed: Callable[[bytes], None]) -> int:
    """Hand all output of a program to ``feed`` as it comes, and return its exit code.

    The program ends with what it follows, such as a container, or on cancellation; it has no deadline.

    Raises:
        CommandFailed: it was not found.
    """
    process = await _start_async(
        programs.echo(argv),
        env=programs.environment_of(None),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        while data := await process.stdout.read(1 << 16):
            feed(data)
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _start_async(words: tuple[str, ...], **options: Any) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *words, stdin=subprocess.DEVNULL, start_new_session=True, **options
        )
    except OSError as error:
        raise cannot_be_run(words, error) from error


async def _end_session(pid: int, ending: asyncio.Future[int], grace_s: float) -> None:
    if grace_s:
        programs.signal_group(pid, signal.SIGTERM)
        await asyncio.wait({ending}, timeout=grace_s)
    programs.signal_group(pid, signal.SIGKILL)
    await ending
