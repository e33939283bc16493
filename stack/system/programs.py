"""Where programs are started: run to the end, attached to a terminal, or left running; all are echoed."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import shlex
import signal
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stack.errors import CommandFailed
from stack.system.completed import Completed, Streams, cannot_be_run, completed, timed_out

if TYPE_CHECKING:
    import asyncio  # a third of what the command line costs to import; only the guardian needs it

log = logging.getLogger(__name__)

LIMIT_S = 60.0
"""The deadline of a program where the caller gives none."""

BUILD_LIMIT_S = 1800.0
"""The deadline of what downloads, installs, builds or copies much."""

DISCARD: Final = subprocess.DEVNULL
"""As ``output`` of ``spawn``: both streams are thrown away."""

Process = subprocess.Popen[bytes]
"""A program that was started and not yet waited for."""


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    timeout_s: float = LIMIT_S,
    check: bool = True,
    user: str | None = None,
    pass_fds: Collection[int] = (),
) -> Completed:
    """Run a program to its end and return its exit code and output.

    ``env`` replaces the whole environment; ``user`` is an account to drop to (root only). The program
    leads a process group, which is killed as a whole at the deadline and where we are interrupted.

    Raises:
        CommandFailed: it was not found, did not end within ``timeout_s``, or ended with an error (unless
            ``check`` is false).
    """
    words = _echo(argv)
    with Streams() as streams:
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                stdout=streams.out,
                stderr=streams.err,
                pass_fds=tuple(pass_fds),
                process_group=0,
                **identity(user),
            )
        except OSError as error:
            raise cannot_be_run(words, error) from error
        try:
            process.communicate(None if input is None else input.encode(), timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            _kill(process)
            raise timed_out(words, timeout_s, streams) from error
        except BaseException:
            _kill(process)
            raise
        return completed(words, process.returncode, streams, check=check)


def succeeds(argv: Sequence[str | Path], *, timeout_s: float) -> bool:
    """Return whether a program is there and ends with 0 within ``timeout_s``."""
    try:
        return run(argv, timeout_s=timeout_s, check=False).returncode == 0
    except CommandFailed:
        return False


async def run_async(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = LIMIT_S,
    check: bool = True,
    user: str | None = None,
    grace_s: float = 0.0,
) -> Completed:
    """Do as ``run`` without blocking the event loop.

    The program leads a session, which is ended as a whole at the deadline and on cancellation: by SIGKILL,
    or by SIGTERM first where it has ``grace_s`` to end by itself.

    Raises:
        CommandFailed: as for ``run``.
    """
    import asyncio

    words = _echo(argv)
    with Streams() as streams:
        process = await _start_async(
            words, cwd=cwd, env=env, stdout=streams.out, stderr=streams.err, **identity(user)
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
    process = await _start_async(_echo(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
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


def attach(
    argv: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> int:
    """Run a program on this terminal, for as long as its user likes, and return its exit code.

    A negative code is the signal that killed it.

    Raises:
        CommandFailed: there is no such program.
    """
    words = _echo(argv)
    # Ctrl-C is for the program: psql and shells survive it. A handler that does nothing, unlike an
    # ignored signal, is not inherited by the program.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.Popen(words, cwd=cwd, env=env).wait()
    except OSError as error:
        raise cannot_be_run(words, error) from error
    finally:
        signal.signal(signal.SIGINT, before)


def spawn(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: int | None = None,
    output: int | None = None,
    pass_fds: Collection[int] = (),
    own_session: bool = False,
    before: Callable[[], None] | None = None,
    user: str | None = None,
) -> Process:
    """Start a program and return it at once; the caller waits for its end.

    ``input`` is the descriptor that it reads (default: nothing with ``own_session``, else ours), ``output``
    the one that takes both its streams (default: ours); ``own_session`` detaches it
    from our terminal and its input; ``before`` runs in the new process, before the program.

    Raises:
        OSError: it cannot be run; FileNotFoundError where there is no such program.
    """
    return subprocess.Popen(
        _echo(argv),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL if own_session and input is None else input,
        stdout=output,
        stderr=output,
        pass_fds=tuple(pass_fds),
        start_new_session=own_session,
        preexec_fn=before,
        **identity(user),
    )


def ends_within(process: Process, timeout_s: float) -> bool:
    """Return whether a program has ended after at most ``timeout_s``."""
    try:
        process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def identity(user: str | None) -> dict[str, Any]:
    """Return what ``subprocess.Popen`` needs to run as the account ``user``; nothing for None."""
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _echo(argv: Sequence[str | Path]) -> tuple[str, ...]:
    words = tuple(str(word) for word in argv)
    log.debug("%s", shlex.join(words))
    return words


async def _start_async(words: tuple[str, ...], **options: Any) -> asyncio.subprocess.Process:
    import asyncio

    try:
        return await asyncio.create_subprocess_exec(
            *words, stdin=subprocess.DEVNULL, start_new_session=True, **options
        )
    except OSError as error:
        raise cannot_be_run(words, error) from error


def _kill(process: Process) -> None:
    _signal_group(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


async def _end_session(pid: int, ending: asyncio.Future[int], grace_s: float) -> None:
    import asyncio

    if grace_s:
        _signal_group(pid, signal.SIGTERM)
        await asyncio.wait({ending}, timeout=grace_s)
    _signal_group(pid, signal.SIGKILL)
    await ending


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
