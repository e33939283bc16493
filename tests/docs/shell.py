"""A shell into which the lines of a block are typed."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

LIMIT_S = 300.0
"""Images and environments that are made anew take their time, on a busy machine most of all."""
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What a command printed, both streams, and its exit code."""

    output: str
    code: int


class Shell:
    """One bash in ``folder``: variables, folders and activated environments last from line to line."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # A process group for every command, so that Ctrl-C reaches it alone; the shell outlives it.
        self._write("set -m; trap : INT\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                process.kill()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def type(self, line: str, *, interrupt_when: Callable[[str], bool] | None = None) -> Printed:
        """Run one command line to its end, or send Ctrl-C once its output is as expected.

        Raises:
            AssertionError: it did not end in time, or it ended the shell.
        """
        mark = f"end-{secrets.token_hex(8)}"
        self._write(f"{{ {line}\n}} </dev/null\nprintf '\\n%s %d\\n' {mark} $?\n")
        output, interrupted, deadline = "", False, time.monotonic() + LIMIT_S
        while mark not in output or not output.endswith("\n"):
            assert time.monotonic() < deadline, _late(
                line, output, waits=bool(interrupt_when and not interrupted)
            )
            output += self._read(line, output)
            whole_lines = output[: output.rfind("\n") + 1]
            if interrupt_when and not interrupted and whole_lines.strip() and interrupt_when(whole_lines):
                interrupted = self._interrupt()
        text, _, rest = output.rpartition(f"\n{mark} ")
        return Printed(output=text, code=int(rest.split()[0]))

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def _read(self, line: str, output: str) -> str:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], 0.5)[0]:
            return ""
        chunk = os.read(self._process.stdout.fileno(), CHUNK_BYTES)
        assert chunk, f"$ {line}\nended the shell:\n{output}"
        return chunk.decode(errors="replace")

    def _interrupt(self) -> bool:
        """Send Ctrl-C to the process group of the command, as a terminal does; return whether one runs."""
        children = psutil.Process(self._process.pid).children()
        for child in children:
            os.killpg(child.pid, signal.SIGINT)
        return bool(children)


def _late(line: str, output: str, *, waits: bool) -> str:
    why = "; Ctrl-C was not sent, because its output was never as documented" if waits else ""
    return f"$ {line}\ndid not end in {LIMIT_S:g} s{why}:\n{output}"
