"""Owners that are interrupted, killed, stopped or two at once: nothing of a stack outlives them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from faults.owning import ended, guardian, kept, kill, own, run, terminal, wait_for
from faults.stage import CONTAINERS, LONG, Tree
from stack.control import guardians
from stack.records import state
from stack.records.control import Action, Command, Outcome
from stack.system import processes

local = pytest.mark.only("local")
KILLS = 200 if LONG else 4 if CONTAINERS else 16


@local
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.usefixtures("protection")
def test_an_owner_that_is_ended_takes_its_stack_along(two: Tree, number: signal.Signals) -> None:
    """On containers the main job does it in test_jobs: the lease is the guardian's."""
    owner = own(two, "hold")
    wait_for(owner, "working")
    owner.send_signal(number)
    ended(owner)
    two.nothing_left()


@local
def test_an_owner_that_is_stopped_and_continued_loses_nothing(two: Tree) -> None:
    """The whole group is stopped, as by Ctrl-Z: the guardian is not in it and still answers."""
    owner = own(two, "hold")
    wait_for(owner, "working")
    os.killpg(owner.pid, signal.SIGSTOP)
    time.sleep(0.3)  # stopped for a while is what is tested
    assert _answers(state.names()[0]), "the guardian is stopped with its owner"
    os.killpg(owner.pid, signal.SIGCONT)
    os.killpg(owner.pid, signal.SIGINT)
    assert ended(owner)[0] == 130
    two.nothing_left()


def _answers(name: str) -> bool:
    try:
        return guardians.ask(name, Command(action=Action.START), timeout_s=3).outcome is Outcome.DONE
    except TimeoutError:
        return False


@local
@pytest.mark.usefixtures("protection")
def test_a_killed_guardian_takes_its_services_along_at_once(two: Tree) -> None:
    """Before any command looks: by the kernel alone."""
    assert run(two, "up")[0] == 0
    kill(guardian(two))
    deadline = time.monotonic() + 3
    while (left := [p.cmdline() for p in two.processes()]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left
    assert run(two, "list")[0] == 0
    two.nothing_left()


@pytest.mark.usefixtures("protection")
def test_a_killed_guardian_s_stack_is_found_by_the_next_command(two: Tree) -> None:
    assert run(two, "up")[0] == 0
    kill(guardian(two))
    code, said = run(two, "list")
    assert (code, "cleaned up after" in said) == (0, True)
    two.nothing_left()


@pytest.mark.usefixtures("protection")
def test_a_killed_command_and_guardian_are_cleaned_up_after_by_the_next_command(two: Tree) -> None:
    owner = own(two, "hold")
    wait_for(owner, "working")
    for pid in (guardian(two), owner.pid):
        kill(pid)
    ended(owner)
    assert run(two, "list")[0] == 0
    two.nothing_left()


@local
@pytest.mark.usefixtures("protection")
@pytest.mark.parametrize("behaviour", ["forks_twice", "hides"])
def test_a_service_that_slips_away_is_found_after_its_guardian_was_killed(tree: Tree, behaviour: str) -> None:
    """A container holds all that a service starts."""
    tree.write({"db": behaviour})
    assert run(tree, "up")[0] == 0
    kill(guardian(tree))
    assert run(tree, "list")[0] == 0
    tree.nothing_left()


@pytest.mark.usefixtures("protection")
def test_kills_at_random_moments_leave_nothing(two: Tree, dice: random.Random) -> None:
    for _ in range(KILLS // (1 if CONTAINERS else 2)):
        verb = dice.choice(["hold", "hold", "up", "down"])
        if verb == "down":
            assert run(two, "up")[0] == 0
        owner = own(two, verb)
        span_s = (0.6 if verb == "down" else 1.2) * (2 if CONTAINERS else 1)
        time.sleep(dice.uniform(0, span_s))  # the moment is the test
        victims: list[Callable[[], int]] = [lambda owner=owner: owner.pid, lambda: guardian(two)]
        for victim in dice.sample(victims, dice.choice([1, 1, 2])):
            kill(victim())
        _settle(two, owner)
        assert run(two, "down")[0] == 0  # a stack that was to stay may live
        two.nothing_left()


def _settle(tree: Tree, owner: subprocess.Popen[str]) -> None:
    """Whoever was not killed ends by himself where his partner is gone; an owner who works on is ended."""
    owner.kill()
    ended(owner)
    found = kept(tree)
    if found is not None and found.ephemeral:
        deadline = time.monotonic() + 15
        while processes.is_alive(found.pid, found.pid_started) and time.monotonic() < deadline:
            time.sleep(0.02)


@local
def test_two_ups_in_the_same_instant_make_one_stack(two: Tree) -> None:
    """Before any engine is asked; which one it is makes no difference."""
    said = [ended(owner) for owner in [own(two, "up") for _ in range(2)]]
    assert [code for code, _ in said] == [0, 0], said
    assert sum("is up already" in text for _, text in said) == 1
    assert len(state.names()) == 1
    assert run(two, "down")[0] == 0


def test_a_down_during_an_up_leaves_nothing(two: Tree) -> None:
    owner = own(two, "up")
    deadline = time.monotonic() + 20
    while not guardian(two) and time.monotonic() < deadline:
        time.sleep(0.01)
    began = time.monotonic()
    assert run(two, "down")[0] == 0
    assert time.monotonic() - began < 20
    assert ended(owner)[0] in {0, 3}
    two.nothing_left()


@local
def test_a_detached_stack_survives_its_terminal_but_not_down(two: Tree) -> None:
    with terminal() as (theirs, close):
        owner = own(two, "up", terminal=theirs)
        assert owner.wait(timeout=60) == 0
        close()
    time.sleep(0.1)  # a hangup that comes is to come now
    assert processes.started(guardian(two)) is not None
    assert run(two, "down")[0] == 0
    two.nothing_left()


@local
def test_an_ephemeral_stack_ends_with_its_terminal(two: Tree) -> None:
    with terminal() as (theirs, close):
        owner = own(two, "hold", terminal=theirs)
        deadline = time.monotonic() + 20
        while not (found := kept(two)) or found.phase != "up":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        close()
        assert owner.wait(timeout=20) == -signal.SIGHUP
    two.nothing_left()
