"""Runs of pytest in a forked process: once with coverage for all tests, then for each mutation."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import pytest

PAUSE_S = 0.01
KILLED = "killed"
SURVIVED = "survived"
TIMED_OUT = "timed out"
NOT_COVERED = "no test covers it"
BASE_S, TIMES = 60.0, 5.0
"""A run may take BASE_S and TIMES as long as its tests took without a mutation."""


@dataclass
class Durations:
    """A plugin of pytest that notes how long each test takes, and tells coverage which one runs."""

    coverage: coverage.Coverage
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Count everything from here on, fixtures included, for this test."""
        self.coverage.switch_context(item.nodeid)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] += time.monotonic() - began
            self.coverage.switch_context("")


def fork(run: Callable[[], int], output: Path, limit_s: float) -> int | None:
    """Return the exit code of ``run`` in a child process; None where it had to be killed at the limit."""
    pid = os.fork()
    if pid == 0:
        _become_session(output)
        os._exit(_exit_code(run))
    code = None
    try:
        code = _exit_code_within(pid, limit_s)
    finally:  # also where Ctrl-C ends the wait: the child has a session of its own
        _kill_group(pid)
        if code is None:
            os.waitpid(pid, 0)
    return code


def _exit_code_within(pid: int, limit_s: float) -> int | None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(PAUSE_S)
    return None


def _exit_code(run: Callable[[], int]) -> int:
    try:
        return run()
    except BaseException:
        traceback.print_exc()
        return 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _become_session(output: Path) -> None:
    os.setsid()
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def preload(modules: Sequence[str]) -> None:
    """Import what the tests import from other projects, so that no run does it again."""
    for name in modules:
        importlib.import_module(name)


def run_pytest(folder: Path, arguments: Sequence[str], plugins: Sequence[object] = ()) -> int:
    """Run pytest in a project's folder, in this process; return its exit code."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    return int(pytest.main(["-p", "no:cacheprovider", "--assert=plain", *arguments], plugins=list(plugins)))
