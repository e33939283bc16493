"""Programs that run side by side, each reading what the one before it writes."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from stack.errors import CommandFailed

log = logging.getLogger(__name__)


def pipeline(
    commands: Sequence[Sequence[str | Path]],
    *,
    env: Mapping[str, str] | None = None,
    source: int | None = None,
    target: int | None = None,
    timeout_s: float,
    meanwhile: Callable[[], None] = lambda: None,
    pause_s: float = 0.1,
) -> None:
    """Run programs side by side, each reading what the one before it writes, until all have ended.

    ``source`` is the descriptor that the first reads (nothing: an empty input), ``target`` the one that the
    last writes to. ``meanwhile`` is called every ``pause_s`` seconds. Nothing that flows is held in memory.

    Raises:
        CommandFailed: one ended with an error, was not found, or did not end within ``timeout_s``; the first
            that ended with an error is named, for it is the cause of the others.
    """
    running: list[tuple[tuple[str, ...], subprocess.Popen[bytes], IO[bytes]]] = []
    deadline = time.monotonic() + timeout_s
    try:
        reading = source
        for number, command in enumerate(commands):
            words = tuple(str(word) for word in command)
            errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed with the block
            log.debug("%s", shlex.join(words))
            is_last = number == len(commands) - 1
            process = _start_in_pipeline(words, env, reading, target if is_last else subprocess.PIPE, errors)
            running.append((words, process, errors))
            reading = process.stdout.fileno() if process.stdout is not None else None
        for _, process, _ in running:
            if process.stdout is not None:
                process.stdout.close()  # only its reader holds it now, so that its end breaks the pipe
        while any(process.poll() is None for _, process, _ in running):
            if time.monotonic() > deadline:
                raise CommandFailed(running[0][0], f"did not end within {timeout_s:g} s", timed_out=True)
            meanwhile()
            with contextlib.suppress(subprocess.TimeoutExpired):
                running[-1][1].wait(pause_s)
        _raise_first_failure(running)
    finally:
        for _, process, errors in running:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            errors.close()


def _start_in_pipeline(
    words: tuple[str, ...],
    env: Mapping[str, str] | None,
    source: int | None,
    target: int | None,
    errors: IO[bytes],
) -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(
            words,
            env=env,
            stdin=subprocess.DEVNULL if source is None else source,
            stdout=subprocess.DEVNULL if target is None else target,
            stderr=errors,
            process_group=0,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise CommandFailed(words, f"cannot be run ({error.strerror})") from error
    return process


def _raise_first_failure(
    running: Sequence[tuple[tuple[str, ...], subprocess.Popen[bytes], IO[bytes]]],
) -> None:
    """Raise the failure of the first program that failed by itself; a broken pipe is what others suffer."""
    failed = [(words, process, errors) for words, process, errors in running if process.returncode]
    by_itself = [each for each in failed if each[1].returncode != -signal.SIGPIPE]
    for words, process, errors in by_itself or failed:
        errors.seek(0)
        text = errors.read().decode(errors="replace")
        raise CommandFailed(
            words, f"ended with {process.returncode}", returncode=process.returncode, stderr=text
        )
