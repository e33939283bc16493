"""Services that misbehave: what is said of each, how soon, and what is left."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable

import pytest

from faults.stage import CHECK, CONTAINERS, HASTY, LONG, Tree, events_of, small_disk
from stack.display import failure
from stack.errors import PortTaken
from stack.health import verdicts
from stack.records.timeline import Event

PROMPT_S = 5.0
"""A bound, not a measure: the machine may be busy. What is measured is in benchmarks/."""

DEATHS = 20 if LONG else 2 if CONTAINERS else 5
NEEDED = {"depends_on": {"db": {"condition": "service_healthy"}}}

VERDICTS = [
    ("exits_0", "exited", "ended on its own with exit code 0"),
    ("exits_3", "exited", "exited with code 3"),
    ("holds_the_pipe", "exited", "exited with code 3"),
    ("never_listens", "timed out", "nothing answers"),
    ("never_answers", "timed out", "hangs"),
    ("drips", "timed out", "hangs"),
    ("answers_500", "unhealthy", "HTTP 500 said by the service"),
    ("wrong_port", "timed out", "nothing answers" if CONTAINERS else "instead"),
    ("writes_nonsense", "exited", "exited with code 3"),
]


@pytest.mark.parametrize(("behaviour", "verdict", "reason"), VERDICTS, ids=[row[0] for row in VERDICTS])
def test_the_verdict_names_what_is_wrong(tree: Tree, behaviour: str, verdict: str, reason: str) -> None:
    tree.write({"db": behaviour, "web": "well"}, db={"healthcheck": HASTY}, web=NEEDED)
    outcome = tree.hold()
    assert reason in outcome.said("db", verdict).text
    assert outcome.said("web", "dependency failed").text == "dependency db failed"
    account = failure.failure(outcome.events, outcome.run)
    assert account.index("db failed") < account.index("web: dependency failed")
    assert "what to do: " in account
    assert "\x1b" not in account


def test_a_port_that_somebody_else_holds_is_named_with_its_holder(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease finds it free; it is taken before the service starts."""
    tree.write({"db": "slow", "web": "well"}, db={"environment": {"SLOW_S": "1"}}, web=NEEDED)
    launched = tree.launch(deadline_s=20)
    port = tree.port("web")
    with socket.create_server(("127.0.0.1", port)):
        events = list(events_of(launched))
    said = next(e for e in events if e.service == "web" and e.state in verdicts.BAD)
    assert said.state == "port taken"
    assert f"port {port} is held by pid {os.getpid()}" in said.text


def test_a_port_that_was_demanded_and_is_taken_is_an_error_with_its_holder(tree: Tree) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tree.write({"db": "well"}, db={"ports": ["127.0.0.1:${DB_PORT:-20000}:8000"]})
        (tree.folder / ".env.local").write_text(f"DB_PORT={port}\n")
        outcome = tree.hold()
    (error,) = [event for event in outcome.events if event.kind == "error"]
    assert error.code == PortTaken.code
    assert f"pid {os.getpid()}" in error.text


def test_a_port_bound_twice_is_the_service_s_own_failure(tree: Tree) -> None:
    tree.write({"db": "binds_a_taken_port"})
    event = tree.hold().said("db", "exited")
    assert "Address already in use" in event.evidence


def test_a_service_that_dies_after_it_was_ready_is_told_at_once(tree: Tree) -> None:
    tree.write({"db": "exits_after_ready"})
    outcome = tree.hold(until=lambda event: event.service == "db" and event.state == "exited")
    assert outcome.states("db").index("ready") < outcome.states("db").index("exited")
    assert "exited with code 7" in outcome.said("db", "exited").text
    assert outcome.seconds < PROMPT_S + 5


def test_a_death_is_noticed_within_a_moment(tree: Tree, measured: Callable[[str, float], None]) -> None:
    tree.write({"db": "well"})
    killed_at: list[float] = []

    def until(event: Event) -> bool:
        if event.kind == "stack" and event.state == "up":
            killed_at.append(time.time())
            tree.kill("db")
        return event.service == "db" and event.state == "exited"

    for _ in range(DEATHS):
        event = tree.hold(until=until).said("db", "exited")
        assert "killed by SIGKILL" in event.text
        measured("death noticed", event.at - killed_at[-1])
        assert event.at - killed_at[-1] < PROMPT_S


@pytest.mark.only("local")
def test_a_recovery_is_no_failure(tree: Tree) -> None:
    """How answers are counted is no engine's matter: once is enough."""
    tree.write({"db": "500_then_200"})
    outcome = tree.hold()
    assert outcome.states("db")[-1] in {"stopped", "stopping", "ready"}
    assert outcome.said("db", "ready")
    assert not set(outcome.states("db")) & verdicts.BAD


def test_a_ready_service_that_turns_unhealthy_is_told(tree: Tree) -> None:
    tree.write({"db": "200_then_500"}, db={"healthcheck": {**CHECK, "interval": "200ms"}})
    outcome = tree.hold(until=lambda event: event.state == "unhealthy")
    assert "HTTP 500" in outcome.said("db", "unhealthy").text


@pytest.mark.only("local")
def test_an_honestly_slow_service_is_waited_for(tree: Tree) -> None:
    """How long it is waited for is no engine's matter: once is enough."""
    slow_s = "20" if LONG else "2"
    tree.write({"db": "slow"}, db={"environment": {"SLOW_S": slow_s}, "healthcheck": _patient()})
    assert tree.hold(deadline_s=40).said("db", "ready").seconds >= float(slow_s)


def test_a_service_that_ignores_term_is_killed_after_its_grace(tree: Tree) -> None:
    tree.write({"db": "ignores_term"})
    events = tree.hold().events
    stopping, stopped = (next(e.at for e in events if e.state == state) for state in ("stopping", "stopped"))
    assert stopped - stopping < PROMPT_S


@pytest.mark.only("local")
@pytest.mark.usefixtures("protection")
def test_a_grandchild_of_a_service_ends_with_the_stack(tree: Tree) -> None:
    tree.write({"db": "forks_twice"})
    assert tree.hold().said("db", "ready")
    tree.nothing_left()


def test_a_flood_of_log_lines_fills_no_disk_and_stops_nothing(tree: Tree) -> None:
    mib = "1024" if LONG else "60"
    tree.write({"db": "floods"}, db={"environment": {"FLOOD_MIB": mib}, "healthcheck": _patient()})
    outcome = tree.hold(deadline_s=50)
    assert outcome.said("db", "ready")
    kept = sum(path.stat().st_size for path in (outcome.run / "logs").iterdir())
    assert kept <= 40 << 20


def test_a_log_that_is_no_text_is_shown_as_text(tree: Tree) -> None:
    tree.write({"db": "writes_nonsense"})
    outcome = tree.hold()
    assert "not UTF-8" in outcome.log("db")
    assert "not UTF-8" in outcome.said("db", "exited").hint
    assert "\x1b" not in failure.failure(outcome.events, outcome.run)


@pytest.mark.only("local")
def test_a_service_that_cannot_get_memory_is_known_by_its_own_words(tree: Tree) -> None:
    """Without cgroups nothing but its own limit refuses it memory; a container's case is the next."""
    tree.write({"db": "runs_out_of_memory"})
    event = tree.hold().said("db", "exited")
    assert "exited with code 1" in event.text
    assert "MemoryError" in event.evidence


@pytest.mark.only("docker")
def test_a_container_that_the_kernel_ends_for_its_memory_is_told_so(tree: Tree) -> None:
    """A real end of that kind needs a limit of the service's own, which only an engine with cgroups gives."""
    tree.write({"db": "eats_memory"}, db={"mem_limit": "32m", "memswap_limit": "32m"})
    assert "killed by SIGKILL (out of memory)" in tree.hold().said("db", "exited").text


def test_a_full_disk_is_named_by_the_service_s_own_words(tree: Tree) -> None:
    """A small file system of its own: a container's tmpfs, or one in a mount namespace."""
    small = {"environment": {"SMALL": "/small"}, "tmpfs": ["/small:size=4m"]}
    if not CONTAINERS:
        folder = tree.folder / "small"
        folder.mkdir()
        words = small_disk(folder, "4m", [sys.executable, str(tree.program), "fills_the_disk"])
        small = {"environment": {"SMALL": str(folder)}, "x-local": {"command": words}}
    tree.write({"db": "fills_the_disk"}, db=small)
    assert "No space left on device" in tree.hold().said("db", "exited").hint


def test_a_one_shot_job_that_others_wait_for_is_completed(tree: Tree) -> None:
    needs = {"depends_on": {"job": {"condition": "service_completed_successfully"}}}
    tree.write({"job": "exits_0", "web": "well"}, job={"healthcheck": {"disable": True}}, web=needs)
    outcome = tree.hold()
    assert outcome.said("job", "completed")
    assert outcome.said("web", "ready")


def test_the_first_cause_comes_first_through_a_chain(tree: Tree) -> None:
    def after(name: str) -> dict[str, object]:
        return {"depends_on": {name: {"condition": "service_healthy"}}}

    tree.write({"a": "exits_3", "b": "well", "c": "well"}, b=after("a"), c=after("b"))
    outcome = tree.hold()
    failed = [event for event in outcome.events if event.kind == "service" and event.state in verdicts.BAD]
    assert [(event.service, event.state) for event in failed] == [
        ("a", "exited"),
        ("b", "dependency failed"),
        ("c", "dependency failed"),
    ]
    assert _is_stack_failure(outcome.events)


def _is_stack_failure(events: tuple[Event, ...]) -> bool:
    return any(e.kind == "stack" and e.state == "failed" and e.text.startswith("a: exited") for e in events)


def _patient() -> dict[str, object]:
    """Without its start period it would be given up after a second."""
    return {**HASTY, "retries": 1, "start_period": "60s"}
