"""Where programs are started: run to the end, attached to a terminal, or left running; all are echoed.

What an event loop runs is in async_programs.py.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import select
import shlex
import signal
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from stack.errors import CommandFailed
from stack.system.completed import Completed, Streams, cannot_be_run, completed, timed_out

log = logging.getLogger(__name__)

LIMIT_S = 60.0
"""The deadline of a program where the caller gives none."""

BUILD_LIMIT_S = 1800.0
"""The deadline of what downloads, installs, builds or copies much."""

DISCARD: Final = subprocess.DEVNULL
"""As ``output``: what is written is thrown away."""

PIPE: Final = subprocess.PIPE

Stream = int | IO[bytes] | None
"""What a program reads or writes: a descriptor, a file, `PIPE`, `DISCARD`."""

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
    words = echo(argv)
    with Streams() as streams:
        process = start_group(
            words, cwd=cwd, env=env, input=None if input is None else PIPE,
            output=streams.out, errors=streams.err, pass_fds=pass_fds, user=user,
        )  # fmt: skip
        try:
            if input is not None:
                process.communicate(input.encode(), timeout=timeout_s)
            elif not ends_within(process, timeout_s):
                raise timed_out(words, timeout_s, streams)
        except subprocess.TimeoutExpired as error:
            raise timed_out(words, timeout_s, streams) from error
        finally:
            end_group(process)
        return completed(words, process.returncode, streams, check=check)


def succeeds(argv: Sequence[str | Path], *, timeout_s: float) -> bool:
    """Return whether a program is there and ends with 0 within ``timeout_s``."""
    try:
        return run(argv, timeout_s=timeout_s, check=False).returncode == 0
    except CommandFailed:
        return False


def attach(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_interrupt: Callable[[], object] = lambda: None,
) -> int:
    """Run a program on this terminal, for as long as its user likes, and return its exit code.

    A negative code is the signal that killed it. Ctrl-C is for the program; ``on_interrupt`` is called, too.

    Raises:
        CommandFailed: there is no such program.
    """
    words = echo(argv)
    # Ctrl-C is for the program: psql and shells survive it. A handler that does nothing, unlike an
    # ignored signal, is not inherited by the program.
    before = signal.signal(signal.SIGINT, lambda number, frame: on_interrupt())
    try:
        return subprocess.Popen(words, cwd=cwd, env=environment_of(env)).wait()
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
        echo(argv),
        cwd=cwd,
        env=environment_of(env),
        stdin=subprocess.DEVNULL if own_session and input is None else input,
        stdout=output,
        stderr=output,
        pass_fds=tuple(pass_fds),
        start_new_session=own_session,
        preexec_fn=before,
        **identity(user),
    )


def ends_within(process: Process, timeout_s: float) -> bool:
    """Return whether a program has ended after at most ``timeout_s``; its end is noticed at once.

    ``Popen.wait`` with a timeout looks only every 50 ms, which is a quarter of a short dump.
    """
    if process.poll() is not None:
        return True
    descriptor = _end_descriptor(process.pid)
    if descriptor is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=timeout_s)
    else:
        try:
            ended = select.poll()
            ended.register(descriptor, select.POLLIN)
            ended.poll(timeout_s * 1000)
        finally:
            os.close(descriptor)
    return process.poll() is not None


def _end_descriptor(pid: int) -> int | None:
    """Return what can be read when a child has ended (pidfd_open(2)), None where there is no such thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or an old kernel
        return None


def identity(user: str | None) -> dict[str, Any]:
    """Return what ``subprocess.Popen`` needs to run as the account ``user``; nothing for None."""
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def environment_of(env: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return a program's environment: what ``os.environ`` holds, of which libpq is not shown all."""
    return os.environ if env is None else env


def echo(argv: Sequence[str | Path]) -> tuple[str, ...]:
    """Return the words of a command, having logged them as they would be typed."""
    words = tuple(str(word) for word in argv)
    log.debug("%s", shlex.join(words))
    return words


def start_group(
    words: tuple[str, ...],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: Stream = None,
    output: Stream = None,
    errors: Stream = None,
    pass_fds: Collection[int] = (),
    before: Callable[[], None] | None = None,
    user: str | None = None,
) -> Process:
    """Start a program as the leader of a process group; a stream that is not given is empty or discarded.

    ``before`` runs in the new process, before the program.

    Raises:
        CommandFailed: it was not found, or cannot be run.
    """
    try:
        return subprocess.Popen(
            words, cwd=cwd, env=environment_of(env), pass_fds=tuple(pass_fds), process_group=0,
            preexec_fn=before, **identity(user),
            stdin=DISCARD if input is None else input,
            stdout=DISCARD if output is None else output,
            stderr=DISCARD if errors is None else errors,
        )  # fmt: skip
    except OSError as error:
        raise cannot_be_run(words, error) from error


def end_group(process: Process) -> None:
    """Kill a program that has not ended, with all of its process group."""
    if process.poll() is None:
        signal_group(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process group; one that has ended or is not ours is left alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
