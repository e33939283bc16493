"""Every ``*.sh`` of this folder is a test: it passes where ``sh`` leaves with 0."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shop import address

TIMEOUT_S = 300.0


class ScriptError(Exception):
    """A script left with another code than 0; the text is what it wrote."""


class ScriptFile(pytest.File):
    """One script, which is one test of the same name."""

    def collect(self) -> Iterator[pytest.Item]:
        yield ScriptTest.from_parent(self, name=self.path.stem)


class ScriptTest(pytest.Item):
    """Runs the script where it lies, with the stack's addresses in its environment."""

    def runtest(self) -> None:
        ended = run(self.path)
        if ended.returncode != 0:
            raise ScriptError(f"{self.path.name} left with {ended.returncode}:\n{ended.stdout}")
        print(ended.stdout, end="")  # shown by -s

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None
    ) -> str | object:
        if isinstance(excinfo.value, ScriptError):
            return str(excinfo.value)
        if isinstance(excinfo.value, subprocess.TimeoutExpired):
            return f"{self.path.name} did not end within {TIMEOUT_S:g} s:\n{excinfo.value.stdout or ''}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


def run(script: Path, **addresses: str) -> subprocess.CompletedProcess[str]:
    """Return how a script ended; both of its streams are in ``stdout``."""
    stack = {name: address(name) for name in ("BACKEND_URL", "GATEWAY_URL")}
    return subprocess.run(
        ["sh", str(script)],
        cwd=script.parent,
        env={**os.environ, **stack, **addresses, "no_proxy": "*"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScriptFile | None:
    """Return the test of a shell script."""
    return ScriptFile.from_parent(parent, path=file_path) if file_path.suffix == ".sh" else None
