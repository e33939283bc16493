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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import CommandFailed

log = logging.getLogger(__name__)
NOT_FOUND, TIMED_OUT = 127, 124
"""The shell's code for a missing program, and that of timeout(1)."""

Process = subprocess.Popen[bytes]
"""A program that was started and not yet waited for."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A program that has ended; the streams are text, undecodable bytes replaced."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,
    timeout_s: float | None = None,
    check: bool = True,
    user: str | None = None,
    pass_fds: Collection[int] = (),
) -> Completed:
    """Run a program to its end and return its code and output.

    ``env`` replaces the whole environment; ``user`` is an account to drop to (root only). The program
    leads a process group, which is ended as a whole at the deadline and where we are interrupted.

    Raises:
        CommandFailed: it ended with an error (unless ``check`` is false), was not found, or did not
            end within ``timeout_s``.
    """
    words = tuple(str(word) for word in argv)
    log.debug("%s", shlex.join(words))
    process = _start(words, cwd=cwd, env=env, pass_fds=pass_fds, user=user, has_input=input is not None)
    try:
        stdout, stderr = process.communicate(None if input is None else input.encode(), timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        _kill(process)
        reason = f"`{shlex.join(words)}` did not end within {timeout_s:g} s and was killed"
        raise CommandFailed(words, TIMED_OUT, reason) from error
    except BaseException:
        _kill(process)
        raise
    done = Completed(
        argv=words,
        returncode=process.returncode,
        stdout=stdout.decode(errors="replace"),
        stderr=stderr.decode(errors="replace"),
    )
    if check and done.returncode != 0:
        raise CommandFailed(words, done.returncode, done.stderr or done.stdout)
    return done


def attach(
    argv: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> int:
    """Run a program on this terminal, for a person, and return its code (negative: the signal).

    Raises:
        CommandFailed: there is no such program.
    """
    words = tuple(str(word) for word in argv)
    log.debug("%s", shlex.join(words))
    # Ctrl-C is the program's own matter: psql and shells survive it. A handler that does nothing, unlike
    # an ignored signal, is not inherited by the program.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.Popen(words, cwd=cwd, env=env).wait()
    except FileNotFoundError as error:
        raise CommandFailed(words, NOT_FOUND, f"there is no such program ({error.filename})") from error
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

    ``output`` is the descriptor that takes both its streams (else they are ours); ``own_session`` cuts it off
    from our terminal and its input; ``before`` runs in the new process, before the program.

    Raises:
        FileNotFoundError: there is no such program.
    """
    words = tuple(str(word) for word in argv)
    log.debug("%s", shlex.join(words))
    process = subprocess.Popen(
        words,
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
    return process


def ends_within(process: Process, timeout_s: float) -> bool:
    """Return whether a program has ended after at most ``timeout_s``."""
    try:
        process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


async def run_async(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> tuple[int, str]:
    """Run a program to its end and return its code and all it said; cancelling ends its whole session."""
    import asyncio  # a third of what the command line costs to import, and only the guardian waits so

    log.debug("%s", shlex.join(argv))
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **identity(user),
    )
    try:
        output, _ = await process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode or 0, output.decode(errors="replace")


def identity(user: str | None) -> dict[str, Any]:
    """Return what ``subprocess.Popen`` needs to run as the account ``user``; nothing for None."""
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _start(
    words: tuple[str, ...],
    *,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    pass_fds: Collection[int],
    user: str | None,
    has_input: bool,
) -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=tuple(pass_fds),
            process_group=0,
            **identity(user),
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise CommandFailed(words, NOT_FOUND, f"it cannot be run: {error.strerror}") from error
    return process


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.communicate()
