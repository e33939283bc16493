"""Programs that install: they may take long, but one that does nothing for a while is ended.

What is downloaded is written and what is built takes processor time; a registry that does not answer leaves
both as they were.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from stack.errors import CommandFailed
from stack.system import programs
from stack.system.completed import Completed, Streams, completed, timed_out

IDLE_LIMIT_S: Final = 120.0
"""How long an installer may do nothing."""

PAUSE_S: Final = 5.0
"""How often it is looked at; its end is noticed at once."""

Activity = tuple[int, int]
"""The bytes that were written and the whole seconds of processor time that were used."""


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    pass_fds: Collection[int] = (),
    idle_limit_s: float = IDLE_LIMIT_S,
    pause_s: float = PAUSE_S,
) -> Completed:
    """Run an installer to its end.

    Raises:
        CommandFailed: as for ``programs.run``; also where it did nothing for ``idle_limit_s``.
    """
    words = programs.echo(argv)
    with Streams() as streams:
        process = programs.start_group(
            words, cwd=cwd, env=env, output=streams.out, errors=streams.err, pass_fds=pass_fds
        )
        try:
            limit_s = _wait(process, lambda: activity(process.pid), idle_limit_s, pause_s)
            if limit_s is not None:
                raise _ended(words, limit_s, idle_limit_s, streams)
        finally:
            programs.end_group(process)
        return completed(words, process.returncode, streams, check=True)


def _wait(
    process: programs.Process, look: Callable[[], Activity], idle_limit_s: float, pause_s: float
) -> float | None:
    """Wait for the end of a program; return the limit that it reached, None where it has ended."""
    began = changed = time.monotonic()
    last = look()
    while not programs.ends_within(process, pause_s):
        now_s, seen = time.monotonic(), look()
        if seen != last:
            last, changed = seen, now_s
        if now_s - changed >= idle_limit_s:
            return idle_limit_s
        if now_s - began >= programs.BUILD_LIMIT_S:
            return programs.BUILD_LIMIT_S
    return None


def _ended(words: tuple[str, ...], limit_s: float, idle_limit_s: float, streams: Streams) -> CommandFailed:
    if limit_s != idle_limit_s:
        return timed_out(words, limit_s, streams)
    stdout, stderr = streams.texts()
    problem = f"did nothing for {limit_s:g} s and was killed"
    return CommandFailed(words, problem, timed_out=True, stdout=stdout, stderr=stderr)


def why_ended(problem: str, last: str) -> str:
    """Return the end of a sentence on an installer that was killed; ``last`` are its last lines."""
    return f": it {problem}; " + (f"the last that it said:\n{last}" if last else "it had said nothing")


def activity(group: int) -> Activity:
    """Return what the processes of a group did so far (Linux; elsewhere it always changes)."""
    if not Path("/proc/self/io").exists():
        return time.monotonic_ns(), 0
    each = [_of_process(pid) for pid in _members(group)]
    return sum(written for written, _ in each), int(sum(seconds for _, seconds in each))


def _members(group: int) -> Iterator[int]:
    """Yield the machine's pids of a process group that we know by the number of our PID namespace.

    They are not looked for as children: those that another thread started are in no list of ours.
    """
    namespace = Path("/proc/self/ns/pid").readlink()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, StopIteration):
            lines = (folder / "status").read_text().splitlines()
            groups = next(line for line in lines if line.startswith("NSpgid:")).split()
            if groups[-1] == str(group) and (folder / "ns" / "pid").readlink() == namespace:
                yield int(folder.name)


def _of_process(pid: int) -> tuple[int, float]:
    """The bytes that it has written, the seconds that it has used (proc_pid_io(5), proc_pid_stat(5))."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(lines["wchar"]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0, 0.0
