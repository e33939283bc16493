"""The main job, `python -m stack.integration`, interrupted, killed, or left by its stack while tests run."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from faults.owning import PHASES, RUNS
from faults.stage import ENGINE, PATIENCE_S, Tree
from stack.records import state
from stack.system import processes
from stack.system.directories import ROOT

local = pytest.mark.only("local")
TESTS = """
import time
def test_of_the_toy():
    print("the toy's test runs", flush=True)
    time.sleep({seconds})
"""
ONE_FAILS = """
import time
def test_that_fails():
    raise ValueError("nothing is right")
def test_of_the_toy():
    print("the toy's test runs", flush=True)
    try:
        time.sleep(60)
    finally:
        time.sleep(0.6)
"""
FORGETFUL = """
import os, signal, sys
os.register_at_fork(after_in_parent=lambda: signal.raise_signal(signal.SIGINT))
from stack.commands import integration
sys.exit(integration.run(sys.argv[1:]))
"""
"""Gets Ctrl-C in a hook around the fork of the tests' process, where Python prints and forgets it."""
ON_CONTAINERS = {("building", 2), ("db .* starting", 1), (RUNS, 1)}
"""While containers are made, while one is started, and while all work; the owner's code is the same."""
MOMENTS = [
    pytest.param(phase, presses, marks=[] if (phase, presses) in ON_CONTAINERS else [local])
    for presses in (1, 2)
    for phase in PHASES
]


class Job:
    """A running main job and what it has said so far."""

    def __init__(self, tree: Tree, program: tuple[str, str] = ("-m", "stack.commands.integration")) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", *program, "--stack", "toy", "--engine", ENGINE, "-s"],
            cwd=tree.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(tree.folder), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self.said = ""
        self._limit = threading.Timer(PATIENCE_S, self.process.kill)
        self._limit.start()

    def wait_for(self, pattern: str) -> None:
        """Read on until a line fits; fails with all that was said."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if re.search(pattern, line):
                return
        raise AssertionError(f"the job ended without saying {pattern!r}:\n{self.said}")

    def interrupt(self) -> None:
        """Press Ctrl-C: every process of the terminal's foreground group gets it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[int, float]:
        """Return its exit code and how long that took."""
        began = time.monotonic()
        try:
            rest, _ = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"no end in sight:\n{self.said}") from None
        self._limit.cancel()
        self.said += rest
        return self.process.returncode, time.monotonic() - began


@pytest.fixture
def job(two: Tree) -> Callable[[float], Job]:
    """Start the main job of two good services with a test that takes some seconds."""

    def start(seconds: float = 60) -> Job:
        two.add_job(TESTS.format(seconds=seconds))
        return Job(two)

    return start


@pytest.mark.parametrize(("phase", "presses"), MOMENTS)
def test_ctrl_c_ends_everything_with_130(
    two: Tree, job: Callable[[], Job], phase: str, presses: int, measured: Callable[[str, float], None]
) -> None:
    running = job()
    running.wait_for(phase)
    running.interrupt()
    if presses == 2:
        time.sleep(0.02)  # two in the same instant are one signal
        if running.process.poll() is None:
            running.interrupt()
    code, seconds = running.end()
    two.nothing_left()
    measured(f"everything gone after Ctrl-C, pressed {presses}x", seconds)
    assert code == 130, running.said
    assert "Traceback" not in running.said, running.said
    assert seconds < (10 if presses == 1 else 5)


@local
def test_ctrl_c_leaves_pytest_the_time_to_say_what_failed(two: Tree) -> None:
    two.add_job(ONE_FAILS)
    running = Job(two)
    running.wait_for(RUNS)
    running.interrupt()
    assert running.end()[0] == 130, running.said
    two.nothing_left()
    assert "ValueError: nothing is right" in running.said
    assert "1 failed" in running.said
    assert len(list(two.folder.glob(".stack/runs/*/junit.xml"))) == 1


@local
def test_ctrl_c_that_python_forgets_is_not_lost(two: Tree) -> None:
    two.add_job(TESTS.format(seconds=60))
    running = Job(two, program=("-c", FORGETFUL))
    code, seconds = running.end()
    two.nothing_left()
    assert code == 130, running.said
    assert "Exception ignored" not in running.said
    assert seconds < 10


@local
def test_tests_that_pass_end_with_0_and_nothing_left(two: Tree, job: Callable[[float], Job]) -> None:
    running = job(0)
    assert running.end()[0] == 0, running.said
    two.nothing_left()


def test_a_service_that_exits_while_a_test_runs_ends_the_run_and_names_the_test(
    two: Tree, job: Callable[[], Job]
) -> None:
    running = job()
    running.wait_for(RUNS)
    with contextlib.suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(f"http://127.0.0.1:{two.port('web')}/exit", timeout=5)
    code, seconds = running.end()
    assert code == 3, running.said
    assert "web failed: exited, exited with code 7" in running.said
    assert "web ended while integration_tests/test_toy.py::test_of_the_toy ran" in running.said
    assert seconds < 30


@local
def test_a_guardian_killed_while_a_test_runs_ends_the_run_and_is_named(
    two: Tree, job: Callable[[], Job]
) -> None:
    running = job()
    running.wait_for(RUNS)
    kept = state.read(state.names()[0])
    assert kept is not None
    os.kill(kept.pid, signal.SIGKILL)
    assert running.end()[0] == 29, running.said
    assert "guardian was killed while integration_tests/test_toy.py::test_of_the_toy ran" in running.said
    assert subprocess.run([sys.executable, _owner(), "list", two.folder, ENGINE], env=_here()).returncode == 0


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGTERM, marks=local), pytest.param(signal.SIGHUP, marks=local), signal.SIGKILL],
)
def test_a_job_that_is_ended_takes_its_stack_and_its_tests_along(
    two: Tree, job: Callable[[], Job], number: signal.Signals
) -> None:
    running = job()
    running.wait_for(RUNS)
    children = [child.pid for child in psutil.Process(running.process.pid).children()]
    running.process.send_signal(number)
    assert running.end()[0] == -number
    assert children
    deadline = time.monotonic() + min(10, PATIENCE_S)
    while (alive := [pid for pid in children if processes.started(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)  # one that nobody has waited for yet is no longer alive
    assert not alive
    two.nothing_left()


def _owner() -> Path:
    return Path(__file__).parent / "owner.py"


def _here() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
