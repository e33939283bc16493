"""Owners that are interrupted, killed, stopped, or two at once: nothing of their stack stays behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from faults.owners import (
    guardian_pid,
    kill,
    read_state,
    run_owner,
    start_owner,
    terminal,
    wait_for,
    wait_for_end,
)
from faults.settings import CONTAINERS, LONG
from faults.tree import Tree
from stack.control import guardians
from stack.errors import GuardianLost, StackEnded
from stack.records import folders
from stack.records.control import Action, Command, Outcome
from stack.system import kernel, processes
from unprotected.protection import Cut, protected_by

DOWN = "stack/commands/down.py"
GUARDIANS = "stack/control/guardians.py"
SESSION = "stack/control/session.py"
GUARDIAN = "stack/guardian/guardian.py"

local = pytest.mark.only("local")
KILLS = 200 if LONG else 4 if CONTAINERS else 16


@protected_by(
    "the lease: the kernel tells the guardian of every end",
    Cut(GUARDIAN, "        if not data:\n            self._end()\n", ""),
)
@local
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.usefixtures("protection")
def test_a_stack_ends_with_its_owner(two_services: Tree, number: signal.Signals) -> None:
    """For containers, test_jobs has the main job: the lease does not depend on the engine."""
    owner = start_owner(two_services, "hold")
    wait_for(owner, "working")
    owner.send_signal(number)
    wait_for_end(owner)
    two_services.require_nothing_left()


@protected_by(
    "the guardian has a session of its own",
    Cut(GUARDIANS, "own_session=True", "own_session=False"),
)
@local
def test_an_owner_that_is_stopped_and_continued_loses_nothing(two_services: Tree) -> None:
    """The process group is stopped, as by Ctrl-Z: the guardian is outside of it and still answers."""
    owner = start_owner(two_services, "hold")
    wait_for(owner, "working")
    os.killpg(owner.pid, signal.SIGSTOP)
    time.sleep(0.3)  # stopped for a while is what is tested
    assert _answers(folders.names()[0]), "the guardian is stopped with its owner"
    os.killpg(owner.pid, signal.SIGCONT)
    os.killpg(owner.pid, signal.SIGINT)
    assert wait_for_end(owner)[0] == 130
    two_services.require_nothing_left()


def _answers(name: str) -> bool:
    try:
        return guardians.ask(name, Command(action=Action.START), timeout_s=15).outcome is Outcome.DONE
    except GuardianLost:
        return False


@pytest.mark.usefixtures("protection")
def test_kills_at_random_moments_leave_nothing(two_services: Tree, rng: random.Random) -> None:
    for _ in range(KILLS // (1 if CONTAINERS else 2)):
        verb = rng.choice(["hold", "hold", "up", "down"])
        if verb == "down":
            assert run_owner(two_services, "up")[0] == 0
        owner = start_owner(two_services, verb)
        span_s = (0.6 if verb == "down" else 1.2) * (2 if CONTAINERS else 1)
        time.sleep(rng.uniform(0, span_s))  # the moment is the test
        victims: list[Callable[[], int]] = [lambda owner=owner: owner.pid, lambda: guardian_pid(two_services)]
        for victim in rng.sample(victims, rng.choice([1, 1, 2])):
            kill(victim())
        _settle(two_services, owner)
        assert run_owner(two_services, "down")[0] == 0  # a detached stack may be up
        two_services.require_nothing_left()


def _settle(tree: Tree, owner: subprocess.Popen[str]) -> None:
    """Kill the owner; wait until the guardian of an ephemeral stack has ended."""
    owner.kill()
    wait_for_end(owner)
    saved = read_state(tree)
    if saved is not None and saved.ephemeral:
        deadline = time.monotonic() + 15
        while processes.is_alive(saved.pid, saved.pid_started) and time.monotonic() < deadline:
            time.sleep(0.02)


@protected_by(
    "a lock of the stack's name",
    Cut(SESSION, '"locks" / name,', '"locks" / f"{name}{__import__(\'os\').getpid()}",'),
)
@local
def test_two_ups_in_the_same_instant_make_one_stack(two_services: Tree) -> None:
    """The lock is taken before the engine is chosen: one engine is enough."""
    ends = [wait_for_end(owner) for owner in [start_owner(two_services, "up") for _ in range(2)]]
    assert [code for code, _ in ends] == [0, 0], ends
    assert sum("is up already" in text for _, text in ends) == 1
    assert len(folders.names()) == 1
    assert run_owner(two_services, "down")[0] == 0


@protected_by(
    "a stack is there to be ended as soon as it has a guardian",
    Cut(
        DOWN,
        "    if stack is None:\n        if volumes:",
        '    if stack is None or stack.phase != "up":\n        if volumes:',
    ),
)
def test_a_down_during_an_up_leaves_nothing(two_services: Tree) -> None:
    owner = start_owner(two_services, "up")
    deadline = time.monotonic() + 20
    while not guardian_pid(two_services) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert run_owner(two_services, "down")[0] == 0
    assert wait_for_end(owner)[0] in {0, StackEnded.code}
    two_services.require_nothing_left()


@protected_by(
    "a session of its own",
    Cut(GUARDIANS, "own_session=True", "own_session=False"),
)
@local
def test_a_detached_stack_survives_its_terminal_but_not_down(two_services: Tree) -> None:
    with terminal() as (program_end, close):
        owner = start_owner(two_services, "up", terminal=program_end)
        assert owner.wait(timeout=60) == 0
        close()
    time.sleep(0.1)  # the hangup would arrive within this time
    assert processes.started(guardian_pid(two_services)) is not None
    assert run_owner(two_services, "down")[0] == 0
    two_services.require_nothing_left()


@protected_by(
    "commands go before a stack that stays",
    Cut("stack/guardian/__main__.py", "    if not request.ephemeral:", "    if request.deadline_s < 0:"),
)
@local
def test_a_detached_stack_lets_others_go_first(two_services: Tree) -> None:
    """All of it, in one session: where there are autogroups, nice values count between sessions."""
    assert run_owner(two_services, "up")[0] == 0
    guardian = psutil.Process(guardian_pid(two_services))
    processes_of_stack = [guardian, *guardian.children(recursive=True)]
    assert len(processes_of_stack) >= 3
    assert {process.nice() for process in processes_of_stack} == {os.nice(0) + kernel.LOWER_PRIORITY}
    assert len({os.getsid(process.pid) for process in processes_of_stack}) == 1
    if kernel.AUTOGROUP.exists():
        group = Path(f"/proc/{guardian.pid}/autogroup").read_text()
        assert group.endswith(f"nice {kernel.LOWER_PRIORITY}\n")
    assert run_owner(two_services, "down")[0] == 0


@protected_by(
    "the lease",
    Cut(GUARDIAN, "        if not data:\n            self._end()\n", ""),
)
@local
def test_an_ephemeral_stack_ends_with_its_terminal(two_services: Tree) -> None:
    with terminal() as (program_end, close):
        owner = start_owner(two_services, "hold", terminal=program_end)
        deadline = time.monotonic() + 20
        while not (saved := read_state(two_services)) or saved.phase != "up":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        close()
        assert owner.wait(timeout=20) == -signal.SIGHUP
    two_services.require_nothing_left()
