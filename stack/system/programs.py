"""Where programs are started: run to the end, attached to a terminal, or left running; all are echoed."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import shlex
import signal
import subprocess
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stack.errors import CommandFailed
from stack.system.completed import Completed, cannot_be_run, completed, timed_out

if TYPE_CHECKING:
    import asyncio  # a third of what the command line costs to import; only the guardian needs it

log = logging.getLogger(__name__)

LIMIT_S = 60.0
"""The deadline of a program where the caller gives none."""

BUILD_LIMIT_S = 1800.0
"""The deadline of what downloads, installs, builds or copies much."""

KILLED_S = 1.0
"""How long the output of a killed program is read; a process that left its session may hold the pipe."""

DISCARD: Final = subprocess.DEVNULL
"""As ``output`` of ``spawn``: both streams are thrown away."""

Process = subprocess.Popen[bytes]
"""A program that was started and not yet waited for."""

_started: weakref.WeakSet[Process] = weakref.WeakSet()


def awaited() -> set[int]:
    """Return the pids of programs that were started here and not yet waited for."""
    return {process.pid for process in list(_started) if process.returncode is None}


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
    streams = {"stdin": subprocess.DEVNULL if input is None else subprocess.PIPE}
    streams |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    inherited = {"cwd": cwd, "env": env, "pass_fds": tuple(pass_fds), **identity(user)}
    try:
        process = _popen(words, process_group=0, **streams, **inherited)
    except OSError as error:
        raise cannot_be_run(words, error) from error
    try:
        stdout, stderr = process.communicate(None if input is None else input.encode(), timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise timed_out(words, timeout_s, *_kill(process)) from error
    except BaseException:
        _kill(process)
        raise
    return completed(words, process.returncode, stdout, stderr, check=check)


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
    process = await _start_async(words, cwd=cwd, env=env, user=user)
    reading = asyncio.ensure_future(process.communicate())
    try:
        ended, _ = await asyncio.wait({reading}, timeout=timeout_s)
    except asyncio.CancelledError:
        await _end_session(process, reading, grace_s)
        raise
    if not ended:
        stdout, stderr = await _end_session(process, reading, grace_s)
        raise timed_out(words, timeout_s, stdout, stderr)
    return completed(words, process.returncode or 0, *reading.result(), check=check)


async def follow(argv: Sequence[str | Path], feed: Callable[[bytes], None]) -> int:
    """Hand all output of a program to ``feed`` as it comes, and return its exit code.

    The program ends with what it follows, such as a container, or on cancellation; it has no deadline.

    Raises:
        CommandFailed: it was not found.
    """
    process = await _start_async(_echo(argv), merge=True)
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
    output: int | None = None,
    pass_fds: Collection[int] = (),
    own_session: bool = False,
    before: Callable[[], None] | None = None,
    user: str | None = None,
) -> Process:
    """Start a program and return it at once; the caller waits for its end.

    ``output`` is the descriptor that takes both its streams (default: ours); ``own_session`` detaches it
    from our terminal and its input; ``before`` runs in the new process, before the program.

    Raises:
        OSError: it cannot be run; FileNotFoundError where there is no such program.
    """
    return _popen(
        _echo(argv),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL if own_session else None,
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


def _popen(words: tuple[str, ...], **options: Any) -> Process:
    process = subprocess.Popen(words, **options)
    _started.add(process)
    return process


async def _start_async(
    words: tuple[str, ...],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    merge: bool = False,
) -> asyncio.subprocess.Process:
    import asyncio

    try:
        return await asyncio.create_subprocess_exec(
            *words,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            start_new_session=True,
            **identity(user),
        )
    except OSError as error:
        raise cannot_be_run(words, error) from error


def _kill(process: Process) -> tuple[bytes, bytes]:
    """Kill a program and its process group; return its output so far."""
    _signal_group(process.pid, signal.SIGKILL)
    process.kill()
    try:
        return process.communicate(timeout=KILLED_S)
    except subprocess.TimeoutExpired as held:
        return held.stdout or b"", held.stderr or b""


async def _end_session(
    process: asyncio.subprocess.Process, reading: asyncio.Future[tuple[bytes, bytes]], grace_s: float
) -> tuple[bytes, bytes]:
    """End a program's whole session; return its output so far."""
    import asyncio

    if grace_s:
        _signal_group(process.pid, signal.SIGTERM)
        await asyncio.wait({reading}, timeout=grace_s)
    _signal_group(process.pid, signal.SIGKILL)
    ended, _ = await asyncio.wait({reading}, timeout=KILLED_S)
    if ended:
        return reading.result()
    reading.cancel()
    return b"", b""


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
