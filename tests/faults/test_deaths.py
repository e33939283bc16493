"""Services that die, refuse to die, or leave processes behind."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from faults.settings import CONTAINERS, LONG
from faults.tree import Tree
from stack.engines.local.limits import enforced
from stack.records.timeline import Event
from unprotected.protection import Cut, protected_by

CONTAINER = "stack/engines/container/container.py"
LOCAL_PROCESS = "stack/engines/local/process.py"
GUARDIAN = "stack/guardian/guardian.py"
LIFECYCLE = "stack/guardian/lifecycle.py"
SERVICE_LOGS = "stack/records/service_logs.py"
KERNEL = "stack/system/kernel.py"

PROMPT_S = 30.0
"""A bound, not a measure: the machine may be busy. What is measured is in benchmarks/."""

DEATHS = 20 if LONG else 2 if CONTAINERS else 5


@protected_by(
    "the watch goes on after the verdict",
    Cut(
        LIFECYCLE,
        "if final or run.settled.is_set():",
        "if final and not run.settled.is_set():",
    ),
)
def test_a_service_that_dies_after_it_was_ready_is_reported_at_once(tree: Tree) -> None:
    tree.write({"db": "well"})

    def until(event: Event) -> bool:
        if event.kind == "stack" and event.state == "up":
            tree.ask("db", "/exit")
        return event.service == "db" and event.state == "exited"

    outcome = tree.hold(until=until)
    assert outcome.states("db").index("ready") < outcome.states("db").index("exited")
    assert "exited with code 7" in outcome.event("db", "exited").text
    assert outcome.seconds < PROMPT_S


def test_a_death_is_noticed_within_a_moment(tree: Tree, measured: Callable[[str, float], None]) -> None:
    tree.write({"db": "well"})
    killed_at: list[float] = []

    def until(event: Event) -> bool:
        if event.kind == "stack" and event.state == "up":
            killed_at.append(time.time())
            tree.kill("db")
        return event.service == "db" and event.state == "exited"

    for _ in range(DEATHS):
        event = tree.hold(until=until).event("db", "exited")
        assert "killed by SIGKILL" in event.text
        measured("death noticed", event.at - killed_at[-1])
        assert event.at - killed_at[-1] < PROMPT_S


@protected_by(
    "SIGKILL after the grace",
    Cut(LOCAL_PROCESS, "os.killpg(self._process.pid, signal.SIGKILL)"),
)
def test_a_service_that_ignores_term_is_killed_after_its_grace(tree: Tree) -> None:
    tree.write({"db": "ignores_term"})
    events = tree.hold().events
    stopping, stopped = (next(e.at for e in events if e.state == state) for state in ("stopping", "stopped"))
    assert stopped - stopping < PROMPT_S


@protected_by(
    "the namespace, and behind it the sweep by token: both are out",
    Cut(KERNEL, '"--pid", "--fork", "--kill-child=KILL")\nUSER', '"--fork")\nUSER'),
    Cut(GUARDIAN, "if not kernel.in_namespace():", "if False:"),
    cases=["namespace"],
)
@protected_by(
    "the sweep by token at the stack's end",
    Cut(GUARDIAN, "if not kernel.in_namespace():", "if False:"),
    cases=["no namespace"],
)
@pytest.mark.only("local")
@pytest.mark.usefixtures("protection")
def test_a_grandchild_of_a_service_ends_with_the_stack(tree: Tree) -> None:
    tree.write({"db": "forks_twice"})
    assert tree.hold().event("db", "ready")
    tree.require_nothing_left()


@protected_by(
    "its last lines are the evidence",
    Cut(
        SERVICE_LOGS, 'self._tail.extend(line.decode(errors="replace").rstrip("\\r") for line in lines[-20:])'
    ),
)
@pytest.mark.only("local")
def test_a_service_that_cannot_get_memory_is_explained_by_its_last_lines(tree: Tree) -> None:
    """The service limits itself; the next test has a container's limit."""
    tree.write({"db": "runs_out_of_memory"})
    event = tree.hold().event("db", "exited")
    assert "exited with code 1" in event.text
    assert "MemoryError" in event.evidence


@protected_by(
    "a service runs within its control group",
    Cut(LOCAL_PROCESS, "limits.words(plan.service, group)", "()"),
)
@pytest.mark.only("local")
def test_a_memory_limit_holds_or_is_said_not_to(tree: Tree) -> None:
    """The kernel kills the service at the limit of its control group."""
    tree.write({"db": "takes_256_mb"}, db={"mem_limit": "64m"})
    outcome = tree.hold()
    if "mem_limit" in enforced([]):
        assert "killed by SIGKILL (out of memory)" in outcome.event("db", "exited").text
    else:
        assert any("mem_limit" in event.text for event in outcome.events)


@protected_by(
    "the engine reports the cause",
    Cut(CONTAINER, 'oom=oom.strip() == "true"', "oom=False"),
    engine="docker",
)
@pytest.mark.only("docker")
def test_a_container_that_is_out_of_memory_is_reported_as_such(tree: Tree) -> None:
    """The kernel kills it at the limit of its control group."""
    tree.write({"db": "eats_memory"}, db={"mem_limit": "32m", "memswap_limit": "32m"})
    assert "killed by SIGKILL (out of memory)" in tree.hold().event("db", "exited").text
