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

KILLED = "killed"
SURVIVED = "survived"
TIMED_OUT = "timed out"
NOT_COVERED = "no test covers it"
BASE_S, TIMES = 60, 5
"""Seconds: a test may take BASE_S and TIMES as long as without a mutation, and collecting tests BASE_S."""


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


@dataclass(frozen=True)
class Deadlines:
    """A plugin of pytest that lets SIGALRM end the process in a test that takes too long."""

    seconds: dict[str, float]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Set the deadline of this test."""
        signal.alarm(int(BASE_S + TIMES * self.seconds.get(item.nodeid, 0.0)))
        return (yield)


def fork(run: Callable[[], int], output: Path) -> int:
    """Return the exit code of ``run`` in a child process, which is negative where a signal ended it."""
    pid = os.fork()
    if pid == 0:
        _become_session(output)
        os._exit(_exit_code(run))
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:  # also where Ctrl-C ends the wait: the child has a session of its own
        _kill_group(pid)


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
    signal.alarm(BASE_S)
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
    if "hypothesis" in modules:
        fail_fast()


def fail_fast() -> None:
    """Let Hypothesis stop at the first example that fails: shrinking it takes minutes and tells nothing here.

    The same mutation always meets the same examples, whatever was tried before it.
    """
    from hypothesis import Phase, settings

    phases = [phase for phase in Phase if phase not in {Phase.shrink, Phase.explain}]
    settings.register_profile("mutants", phases=phases, database=None, derandomize=True)
    settings.load_profile("mutants")


def run_pytest(folder: Path, arguments: Sequence[str], plugins: Sequence[object] = ()) -> int:
    """Run pytest in a project's folder, in this process; return its exit code."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    return int(pytest.main(["-p", "no:cacheprovider", "--assert=plain", *arguments], plugins=list(plugins)))
