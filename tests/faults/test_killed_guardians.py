"""Guardians that are killed: their services end, and the next command removes what they left."""

from __future__ import annotations

import time

import pytest

from faults.owners import (
    guardian_pid,
    kill,
    run_owner,
    start_owner,
    wait_for,
    wait_for_end,
)
from faults.settings import PATIENCE_S
from faults.tree import Tree
from unprotected.protection import Cut, protected_by

SWEEP = "stack/control/sweep.py"
KERNEL = "stack/system/kernel.py"
PARENT_DEATH_SIGNAL = (
    Cut(KERNEL, "        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)\n", ""),
    Cut("stack/system/network_namespace.py", '("--pdeathsig=KILL",)', "()"),
)
"""Asked for by the guardian's child, and once more by what changes its account."""

local = pytest.mark.only("local")


@protected_by(
    "the namespace, and behind it the parent-death signal: both are out",
    Cut(KERNEL, '"--pid", "--fork", "--kill-child=KILL")\nUSER', '"--fork")\nUSER'),
    *PARENT_DEATH_SIGNAL,
    cases=["namespace"],
)
@protected_by("the parent-death signal", *PARENT_DEATH_SIGNAL, cases=["no namespace"])
@local
@pytest.mark.usefixtures("protection")
def test_services_end_at_once_with_their_killed_guardian(two_services: Tree) -> None:
    """The kernel ends them, before any command sweeps."""
    assert run_owner(two_services, "up")[0] == 0
    kill(guardian_pid(two_services))
    deadline = time.monotonic() + PATIENCE_S / 3
    while (left := [p.info["cmdline"] for p in two_services.processes()]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left
    assert run_owner(two_services, "list")[0] == 0
    two_services.require_nothing_left()


@protected_by(
    "every command sweeps",
    Cut(SWEEP, "        clean_up(stack)\n    except", "        pass\n    except"),
)
@protected_by(
    "every command sweeps the engine, too",
    Cut(SWEEP, "registry.remove_leftovers(stack.engine, stack.name, volumes=stack.ephemeral)"),
    engine="docker",
)
@pytest.mark.usefixtures("protection")
def test_a_killed_guardian_s_stack_is_found_by_the_next_command(two_services: Tree) -> None:
    assert run_owner(two_services, "up")[0] == 0
    kill(guardian_pid(two_services))
    code, output = run_owner(two_services, "list")
    assert (code, "cleaned up after" in output) == (0, True)
    two_services.require_nothing_left()


@protected_by(
    "every command sweeps",
    Cut(SWEEP, "        clean_up(stack)\n    except", "        pass\n    except"),
)
@pytest.mark.usefixtures("protection")
def test_a_killed_command_and_guardian_are_cleaned_up_after_by_the_next_command(two_services: Tree) -> None:
    owner = start_owner(two_services, "hold")
    wait_for(owner, "working")
    for pid in (guardian_pid(two_services), owner.pid):
        kill(pid)
    wait_for_end(owner)
    assert run_owner(two_services, "list")[0] == 0
    two_services.require_nothing_left()


@protected_by(
    "the token in the environment of every process",
    Cut(SWEEP, "processes.with_token(stack.token) + _recorded(stack)", "_recorded(stack)"),
    cases=["no namespace-forks_twice"],
)
@protected_by(
    "every service's first process is on record",
    Cut(SWEEP, "processes.with_token(stack.token) + _recorded(stack)", "processes.with_token(stack.token)"),
    cases=["no namespace-hides"],
)
@local
@pytest.mark.usefixtures("protection")
@pytest.mark.parametrize("behaviour", ["forks_twice", "hides"])
def test_a_service_that_escapes_is_ended_after_its_guardian_was_killed(tree: Tree, behaviour: str) -> None:
    """Local engine only: a container holds everything that a service starts."""
    tree.write({"db": behaviour})
    assert run_owner(tree, "up")[0] == 0
    kill(guardian_pid(tree))
    assert run_owner(tree, "list")[0] == 0
    tree.require_nothing_left()
