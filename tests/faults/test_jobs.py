"""The main job, interrupted, killed, or left by its stack while tests run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from faults.job import Job
from faults.owners import PHASES, RUNS
from faults.settings import ENGINE, PATIENCE_S
from faults.tree import Tree
from stack.records import folders, state
from stack.system import processes
from stack.system.directories import ROOT
from unprotected.protection import Cut, protected_by

EXIT_CODE = "stack/commands/exit_code.py"
PYTEST_PROCESS = "stack/commands/pytest_process.py"
GUARDIANS = "stack/control/guardians.py"
GUARDIAN = "stack/guardian/guardian.py"
CTRL_C = "stack/system/ctrl_c.py"

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
    try:
        print("the toy's test runs", flush=True)
        time.sleep(60)
    finally:
        time.sleep(0.6)
"""
DROPS_CTRL_C = """
import os, signal, sys
os.register_at_fork(after_in_parent=lambda: signal.raise_signal(signal.SIGINT))
from stack.commands import integration
sys.exit(integration.run(sys.argv[1:]))
"""
"""Receives Ctrl-C in a hook after the fork of the tests' process, where Python prints and drops it."""
ON_CONTAINERS = {("building", 2), ("db .* starting", 1), (RUNS, 1)}
"""The moments that are tried on containers: during the build, at a start, during the tests."""
MOMENTS = [
    pytest.param(phase, presses, marks=[] if (phase, presses) in ON_CONTAINERS else [local])
    for presses in (1, 2)
    for phase in PHASES
]


@pytest.fixture
def job(two_services: Tree) -> Callable[[float], Job]:
    """Start the main job of two good services with a test that takes some seconds."""

    def start(seconds: float = 60) -> Job:
        two_services.add_job(TESTS.format(seconds=seconds))
        return Job(two_services)

    return start


@protected_by(
    "the interrupt is the job's own, and ends in 130",
    Cut(
        EXIT_CODE,
        "    except KeyboardInterrupt:\n        ctrl_c.ignore(last=True)",
        "    except GeneratorExit:",
    ),
    cases=[
        "building-1",
        "db .* starting-1",
        "db .* ready-1",
        "web .* waiting-1",
        "web .* ready-1",
        "up in-1",
        "the toy's test runs-1",
    ],
)
@protected_by(
    "the quick end, and behind it the lease: both are out",
    Cut(GUARDIAN, "        if not data:\n            self._end()\n", ""),
    Cut(
        GUARDIANS,
        "        for _ in range(2):\n            if stack",
        "        for _ in range(0):\n            if stack",
    ),
    cases=["building-1", "the toy's test runs-1"],
)
@protected_by(
    "the second one is let pass",
    Cut(
        CTRL_C,
        "_handle(number, signal.SIG_IGN if last else lambda number, frame: None)",
        "_handle(number, signal.SIG_DFL)",
    ),
    cases=["building-2", "db .* starting-2", "db .* ready-2", "web .* waiting-2"],
)
@pytest.mark.parametrize(("phase", "presses"), MOMENTS)
def test_ctrl_c_ends_everything_with_130(
    two_services: Tree,
    job: Callable[[], Job],
    phase: str,
    presses: int,
    measured: Callable[[str, float], None],
) -> None:
    running = job()
    running.wait_for(phase)
    running.interrupt()
    if presses == 2:
        time.sleep(0.02)  # two in the same instant are one signal
        if running.process.poll() is None:
            running.interrupt()
    code, seconds = running.end()
    two_services.require_nothing_left()
    measured(f"everything gone after Ctrl-C, pressed {presses}x", seconds)
    assert code == 130, running.output
    assert "Traceback" not in running.output, running.output


@protected_by(
    "pytest is waited for while it says so",
    Cut(PYTEST_PROCESS, "REPORT_LIMIT_S = 3.0", "REPORT_LIMIT_S = 0.0"),
)
@local
def test_ctrl_c_leaves_pytest_the_time_to_report_failures(two_services: Tree) -> None:
    two_services.add_job(ONE_FAILS)
    running = Job(two_services)
    running.wait_for(RUNS)
    running.interrupt()
    assert running.end()[0] == 130, running.output
    two_services.require_nothing_left()
    assert "ValueError: nothing is right" in running.output
    assert "1 failed" in running.output
    assert len(list(two_services.folder.glob(".stack/runs/*/junit.xml"))) == 1


@protected_by(
    "held back while a process is made, else raised again: both are out",
    Cut(CTRL_C, "lambda number, frame: noted.append(number)", "before[number]"),
    Cut(CTRL_C, "signal.setitimer(signal.ITIMER_REAL, AGAIN_S)"),
)
@local
def test_ctrl_c_that_python_drops_is_not_lost(two_services: Tree) -> None:
    two_services.add_job(TESTS.format(seconds=60))
    running = Job(two_services, program=("-c", DROPS_CTRL_C))
    code, _ = running.end()
    two_services.require_nothing_left()
    assert code == 130, running.output
    assert "Exception ignored" not in running.output


@local
def test_tests_that_pass_end_with_0_and_nothing_left(two_services: Tree, job: Callable[[float], Job]) -> None:
    running = job(0)
    assert running.end()[0] == 0, running.output
    two_services.require_nothing_left()


@protected_by(
    "the stack is followed while the tests run",
    Cut(PYTEST_PROCESS, "            failures.append(event)\n", ""),
)
def test_a_service_that_exits_while_a_test_runs_ends_the_run_and_names_the_test(
    two_services: Tree, job: Callable[[], Job]
) -> None:
    running = job()
    running.wait_for(RUNS)
    two_services.ask("web", "/exit")
    code, _ = running.end()
    assert code == 3, running.output
    assert "web failed: exited, exited with code 7" in running.output
    assert "web ended while integration_tests/test_toy.py::test_of_the_toy ran" in running.output


@protected_by(
    "the guardian is watched while the tests run",
    Cut(
        PYTEST_PROCESS,
        "return tests.poll() is not None or bool(stack.process.poll())",
        "return tests.poll() is not None",
    ),
)
@local
def test_a_guardian_killed_while_a_test_runs_ends_the_run_and_is_named(
    two_services: Tree, job: Callable[[], Job]
) -> None:
    running = job()
    running.wait_for(RUNS)
    saved = state.read(folders.names()[0])
    assert saved is not None
    os.kill(saved.pid, signal.SIGKILL)
    assert running.end()[0] == 29, running.output
    assert "guardian was killed while integration_tests/test_toy.py::test_of_the_toy ran" in running.output
    assert (
        subprocess.run(
            [sys.executable, _owner(), "list", two_services.folder, ENGINE], env=_here()
        ).returncode
        == 0
    )


@protected_by(
    "the parent-death signal of the tests",
    Cut(PYTEST_PROCESS, "        if bind:\n            bind()\n", ""),
)
@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGTERM, marks=local), pytest.param(signal.SIGHUP, marks=local), signal.SIGKILL],
)
def test_stack_and_tests_end_with_the_job(
    two_services: Tree, job: Callable[[], Job], number: signal.Signals
) -> None:
    running = job()
    running.wait_for(RUNS)
    children = [child.pid for child in psutil.Process(running.process.pid).children()]
    running.process.send_signal(number)
    assert running.end()[0] == -number
    assert children
    deadline = time.monotonic() + PATIENCE_S / 3
    while (alive := [pid for pid in children if processes.started(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)  # a zombie does not count as alive
    assert not alive
    two_services.require_nothing_left()


def _owner() -> Path:
    return Path(__file__).parent / "owner.py"


def _here() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
