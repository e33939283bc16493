"""Programs that run side by side, each reading what the one before it writes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from stack.system import programs
from stack.system.completed import Streams, completed, timed_out


@dataclass(frozen=True, kw_only=True)
class _Member:
    words: tuple[str, ...]
    process: programs.Process
    streams: Streams


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
    deadline = time.monotonic() + timeout_s
    with ExitStack() as stack:
        members: list[_Member] = []
        for number, command in enumerate(commands, start=1):
            reading = members[-1].process.stdout if members else source
            writing = target if number == len(commands) else programs.PIPE
            words, streams = programs.echo(command), stack.enter_context(Streams())
            process = programs.start_group(words, env=env, input=reading, output=writing, errors=streams.err)
            stack.callback(programs.end_group, process)
            if process.stdout is not None:
                stack.callback(process.stdout.close)
            members.append(_Member(words=words, process=process, streams=streams))
        for member in members:
            if member.process.stdout is not None:
                member.process.stdout.close()  # only its reader holds it now, so that its end breaks the pipe
        while running := [member for member in members if member.process.poll() is None]:
            if time.monotonic() > deadline:
                raise timed_out(members[0].words, timeout_s, members[0].streams)
            if not programs.ends_within(running[-1].process, pause_s):
                meanwhile()
        _raise_first_failure(members)


def _raise_first_failure(members: Sequence[_Member]) -> None:
    """Raise the failure of the first program that failed by itself; a broken pipe is what others suffer."""
    failed = [member for member in members if member.process.returncode]
    by_itself = [member for member in failed if member.process.returncode != -signal.SIGPIPE]
    for member in by_itself or failed:
        completed(member.words, member.process.returncode, member.streams, check=True)
