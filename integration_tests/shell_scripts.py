"""Every ``*.sh`` of this folder is a test: it passes where the script exits with 0."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shop import address

TIMEOUT_S = 300.0


class ScriptError(Exception):
    """A script failed or did not end in time; the text says how, then what it printed."""


class ScriptFile(pytest.File):
    """One script, which is one test of the same name."""

    def collect(self) -> Iterator[pytest.Item]:
        yield ScriptTest.from_parent(self, name=self.path.stem)


class ScriptTest(pytest.Item):
    """Runs the script in its own folder, with the stack's addresses in its environment."""

    def runtest(self) -> None:
        done = run(self.path)
        if done.returncode != 0:
            raise ScriptError(f"{self.path.name} exited with {done.returncode}:\n{done.stdout}")
        print(done.stdout, end="")  # shown by -s

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None
    ) -> str | object:
        if isinstance(excinfo.value, ScriptError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


def run(script: Path, *, timeout_s: float = TIMEOUT_S, **addresses: str) -> subprocess.CompletedProcess[str]:
    """Return how a script ended; both of its streams are in ``stdout``, other bytes than UTF-8 replaced.

    Processes that it leaves behind are killed.

    Raises:
        ScriptError: it did not end within ``timeout_s``.
    """
    stack = {name: address(name) for name in ("BACKEND_URL", "GATEWAY_URL")}
    # A file, because a process that is left behind would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*interpreter(script), str(script)],
            cwd=script.parent,
            env={**os.environ, **stack, **addresses, "no_proxy": "*"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace")
    if code is None:
        raise ScriptError(f"{script.name} did not end within {timeout_s:g} s and was killed:\n{text}")
    return subprocess.CompletedProcess(args=process.args, returncode=code, stdout=text)


def interpreter(script: Path) -> list[str]:
    """Return the program that runs a script: the one of its first line (``#!``), else sh.

    So a script needs no permission to be executed.
    """
    first = script.read_bytes().partition(b"\n")[0].decode(errors="replace")
    return shlex.split(first[2:]) if first.startswith("#!") else ["sh"]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScriptFile | None:
    """Return the test of a shell script."""
    return ScriptFile.from_parent(parent, path=file_path) if file_path.suffix == ".sh" else None
