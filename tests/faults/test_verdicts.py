"""Services that misbehave: the verdict and the reason that each is given."""

from __future__ import annotations

import pytest

from faults.settings import CHECK, CONTAINERS, HASTY, LONG, PATIENT
from faults.tree import Tree
from stack.display import failure
from stack.health import verdicts
from stack.records.timeline import Event
from unprotected.protection import Cut, protected_by

FAILURE = "stack/display/failure.py"
LOCAL_PROCESS = "stack/engines/local/process.py"
LIFECYCLE = "stack/guardian/lifecycle.py"
READINESS = "stack/guardian/readiness.py"
PROBES = "stack/health/probes.py"
VERDICTS_FILE = "stack/health/verdicts.py"


NEEDED = {"depends_on": {"db": {"condition": "service_healthy"}}}
FINISHED = "self._ended.set_result("

VERDICTS = [
    ("exits_0", "exited", "ended on its own with exit code 0"),
    ("exits_3", "exited", "exited with code 3"),
    ("holds_the_pipe", "exited", "exited with code 3"),
    ("never_listens", "timed out", "nothing answers"),
    ("never_answers", "timed out", "hangs"),
    ("drips", "timed out", "hangs"),
    ("answers_500", "unhealthy", "HTTP 500 written by the service"),
    ("wrong_port", "timed out", "nothing answers" if CONTAINERS else "instead"),
    ("writes_nonsense", "exited", "exited with code 3"),
]
TIME_TO_LISTEN = {"start_period": "3s"}
LISTENS = {
    **dict.fromkeys(("never_answers", "drips", "wrong_port"), TIME_TO_LISTEN),
    "answers_500": {**TIME_TO_LISTEN, "timeout": "3s"},
}
"""How much longer a check waits for a service that has to listen, or answer, before its verdict."""


@protected_by(
    "only a job may end with 0",
    Cut(VERDICTS_FILE, "if code == 0 and is_job:", "if code == 0:"),
    cases=["exits_0"],
)
@protected_by(
    "the process is watched, not only probed",
    Cut(LIFECYCLE, "if final or run.settled.is_set():", "if False:"),
    cases=["exits_3"],
)
@protected_by(
    "a process's end is its own, not that of its output",
    Cut(
        LOCAL_PROCESS,
        FINISHED,
        "if self._pipe >= 0:\n                self._loop.call_later(0.05, self._finish, code)\n"
        f"                return\n            {FINISHED}",
    ),
    cases=["holds_the_pipe"],
)
@protected_by(
    "the check's own patience ends",
    Cut(VERDICTS_FILE, "if now_s >= progress.patience_s() or", "if"),
    cases=["never_listens"],
)
@protected_by(
    "a deadline for every probe",
    Cut(PROBES, "async with asyncio.timeout(timeout_s):", "if timeout_s:"),
    cases=["never_answers"],
)
@protected_by(
    "that deadline is the whole answer's, not that of a read",
    Cut(PROBES, "async with asyncio.timeout(timeout_s):", "if timeout_s:"),
    Cut(
        PROBES,
        "(chunk := await reader.read(4096)):",
        "(chunk := await asyncio.wait_for(reader.read(4096), 3)):",
    ),
    cases=["drips"],
)
@protected_by(
    "a status of 400 and more is no answer",
    Cut(PROBES, "if status < 400 or self.any_status:", "if status:"),
    cases=["answers_500"],
)
@protected_by(
    "the ports at which it listens are looked up",
    Cut(
        READINESS,
        "processes.listening(self._pid()) if progress.own_ports and self._pid() else set()",
        "set()",
    ),
    cases=["wrong_port"],
)
@protected_by(
    "a bad verdict is handed on",
    Cut(LIFECYCLE, "return verdict is not None and not verdict.good and need.required", "return False"),
    cases=["exits_3"],
)
@protected_by(
    "they are taken out where people read",
    Cut(FAILURE, 'return "\\n".join(plain(line) for line in lines)', 'return "\\n".join(lines)'),
    cases=["writes_nonsense"],
)
@pytest.mark.parametrize(("behaviour", "verdict", "reason"), VERDICTS, ids=[row[0] for row in VERDICTS])
def test_the_verdict_names_what_is_wrong(tree: Tree, behaviour: str, verdict: str, reason: str) -> None:
    check = CHECK if verdict == "exited" else HASTY | LISTENS.get(behaviour, {})
    tree.write({"db": behaviour, "web": "well"}, db={"healthcheck": check}, web=NEEDED)
    outcome = tree.hold()
    assert reason in outcome.event("db", verdict).text
    assert outcome.event("web", "dependency failed").text == "dependency db failed"
    account = failure.failure(outcome.events, outcome.run)
    assert account.index("db failed") < account.index("web: dependency failed")
    assert "what to do: " in account
    assert "\x1b" not in account


@protected_by(
    "failures within start_period do not count",
    Cut(VERDICTS_FILE, "if now_s < check.start_period_s:", "if False:"),
)
@pytest.mark.only("local")
def test_a_recovery_is_not_a_failure(tree: Tree) -> None:
    """Counting probes does not depend on the engine: one engine is enough."""
    tree.write({"db": "500_then_200"})
    outcome = tree.hold()
    assert outcome.states("db")[-1] in {"stopped", "stopping", "ready"}
    assert outcome.event("db", "ready")
    assert not set(outcome.states("db")) & verdicts.BAD


@protected_by(
    "a ready service is still probed",
    Cut(READINESS, "if failures == check.retries:", "if False:"),
)
def test_a_ready_service_that_turns_unhealthy_is_reported(tree: Tree) -> None:
    tree.write({"db": "well"}, db={"healthcheck": {**CHECK, "interval": "200ms"}})

    def until(event: Event) -> bool:
        if event.kind == "stack" and event.state == "up":
            tree.ask("db", "/turn-unwell")
        return event.state == "unhealthy"

    outcome = tree.hold(until=until)
    assert "ready" in outcome.states("db")
    assert "HTTP 500" in outcome.event("db", "unhealthy").text


@protected_by(
    "start_period belongs to the patience",
    Cut(VERDICTS_FILE, "self.check.start_period_s + self.check", "self.check"),
)
@pytest.mark.only("local")
def test_a_slow_service_is_waited_for(tree: Tree) -> None:
    """The patience does not depend on the engine: one engine is enough."""
    slow_s = "20" if LONG else "2"
    tree.write({"db": "slow"}, db={"environment": {"SLOW_S": slow_s}, "healthcheck": PATIENT})
    assert tree.hold(deadline_s=40).event("db", "ready").seconds >= float(slow_s)


def test_a_one_shot_job_that_others_wait_for_is_completed(tree: Tree) -> None:
    needs = {"depends_on": {"job": {"condition": "service_completed_successfully"}}}
    tree.write({"job": "exits_0", "web": "well"}, job={"healthcheck": {"disable": True}}, web=needs)
    outcome = tree.hold()
    assert outcome.event("job", "completed")
    assert outcome.event("web", "ready")


@protected_by(
    "a bad verdict is handed on",
    Cut(LIFECYCLE, "return verdict is not None and not verdict.good and need.required", "return False"),
)
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
