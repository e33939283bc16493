"""The table of verdicts, row by row, on a clock that is only a number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stack.health import exit_codes, verdicts
from stack.health.probes import Kind, Observation
from stack.health.verdicts import Verdict
from stack.model import Healthcheck

CHECK = Healthcheck(test=("CMD", "true"), interval_s=1.0, timeout_s=2.0, retries=3, start_period_s=5.0)


def replay(
    *seen: tuple[float, Kind], check: Healthcheck | None = CHECK, deadline_s: float = 60.0
) -> Verdict | None:
    """Return the first verdict of a history of (seconds, what the probe saw)."""
    progress = verdicts.begin("backend", check, deadline_s=deadline_s)
    for now_s, kind in seen:
        progress, verdict = verdicts.after_probe(
            progress, Observation(kind=kind, detail=f"it was {kind}"), now_s
        )
        if verdict is not None:
            return verdict
    return None


def test_the_first_good_answer_is_ready_with_its_time() -> None:
    verdict = replay((0.1, "refused"), (0.3, "ok"))
    assert verdict is not None
    assert (verdict.kind, verdict.seconds, verdict.good) == ("ready", 0.3, True)


def test_wrong_answers_do_not_count_during_the_start_period() -> None:
    assert replay(*((second, "wrong") for second in (0.1, 1.1, 2.1, 3.1, 4.1, 4.9))) is None


def test_wrong_answers_after_the_start_period_count_once_an_interval() -> None:
    quick = [(5.0 + step / 10, "wrong") for step in range(10)]
    assert replay(*quick) is None
    verdict = replay(*quick, (6.0, "wrong"), (7.0, "wrong"))
    assert verdict is not None
    assert (verdict.kind, verdict.seconds) == ("unhealthy", 7.0)
    assert "it was wrong" in verdict.reason


def test_a_recovery_is_no_failure() -> None:
    verdict = replay((5.0, "wrong"), (6.0, "wrong"), (6.5, "ok"))
    assert verdict is not None
    assert verdict.kind == "ready"


@pytest.mark.parametrize(
    ("kind", "verdict", "words"),
    [
        ("refused", "timed out", "nothing answers"),
        ("hang", "timed out", "accepts connections but hangs"),
        ("no end", "timed out", "its health check does not end"),
        ("wrong", "unhealthy", "still failing"),
    ],
)
def test_the_deadline_tells_absent_hanging_and_wrong_apart(kind: Kind, verdict: str, words: str) -> None:
    found = replay((1.0, kind), (10.0, kind), deadline_s=10.0)
    assert found is not None
    assert found.kind == verdict
    assert words in found.reason
    assert "after 10.0 s and 2 probes" in found.reason
    assert f"it was {kind}" in found.reason


def test_a_single_probe_is_one_probe() -> None:
    found = replay((1.0, "refused"), deadline_s=1.0)
    assert found is not None
    assert "after 1.0 s and one probe " in found.reason


def test_a_deadline_without_any_probe_says_that_nothing_was_seen() -> None:
    verdict = verdicts.at_deadline(verdicts.begin("backend", CHECK, deadline_s=1.0), 1.0)
    assert (verdict.kind, "no probe completed" in verdict.reason) == ("timed out", True)


def test_patience_is_what_the_check_allows_but_never_more_than_the_deadline() -> None:
    assert verdicts.begin("x", CHECK, deadline_s=60.0).patience_s() == 5.0 + 3 * 1.0 + 2.0
    assert verdicts.begin("x", CHECK, deadline_s=4.0).patience_s() == 4.0
    assert verdicts.begin("x", None, deadline_s=4.0).patience_s() == 4.0


@pytest.mark.parametrize(
    ("code", "is_job", "kind", "words"),
    [
        (0, True, "completed", "ended with 0"),
        (0, False, "exited", "on its own"),
        (3, True, "exited", "exited with code 3"),
        (3, False, "exited", "exited with code 3"),
        (-15, False, "exited", "killed by SIGTERM"),
        (143, False, "exited", "killed by SIGTERM"),
        (137, False, "exited", "killed by SIGKILL: out of memory?"),
    ],
)
def test_the_verdict_of_an_exit_depends_on_its_code_and_whether_it_is_a_job(
    code: int, is_job: bool, kind: str, words: str
) -> None:
    verdict = verdicts.after_exit("seed", code, 2.0, is_job=is_job)
    assert (verdict.kind, verdict.seconds) == (kind, 2.0)
    assert words in verdict.reason


def test_a_service_whose_child_the_memory_limit_ended_says_so_with_whatever_code_it_ends() -> None:
    verdict = verdicts.after_exit("web", 1, 2.0, is_job=False, oom=True)
    assert verdict.reason == "exited with code 1, after its memory limit had ended a process of it"
    assert verdict.symptom == "no memory"
    assert verdicts.after_exit("web", 137, 2.0, is_job=False, oom=True).symptom == "no memory"


def test_out_of_memory_is_stated_as_a_fact_where_the_kernel_reports_it() -> None:
    assert exit_codes.in_words(137, oom=True) == "killed by SIGKILL (out of memory)"


def test_a_code_just_above_the_signals_is_a_plain_code() -> None:
    assert exit_codes.in_words(255) == "exited with code 255"
    gone = verdicts.after_exit("web", 255, 1.0, is_job=False, unknown="Is the daemon running?")
    assert gone.reason == "its engine cannot tell what became of it: Is the daemon running?"
    assert exit_codes.in_words(128) == "exited with code 128"


def test_probes_come_fast_at_first_and_rarely_later() -> None:
    progress = verdicts.begin("x", CHECK, deadline_s=60.0)
    assert [verdicts.next_probe_s(progress, now_s) for now_s in (0.0, 0.4, 10.0, 100.0)] == [
        0.025,
        0.025,
        0.5,
        1.0,
    ]


LONG = Healthcheck(test=("CMD", "true"), interval_s=5.0, timeout_s=5.0, retries=5, start_period_s=300.0)
NOT_FOUND = Observation(kind="wrong", detail="HTTP 404", permanent=True)
REFUSED = Observation(kind="refused", detail="connection refused")


def at(progress: verdicts.Progress, *seen: tuple[float, Observation]) -> Verdict | None:
    """Return the first verdict of a history that goes on from ``progress``."""
    for now_s, observation in seen:
        progress, verdict = verdicts.after_probe(progress, observation, now_s)
        if verdict is not None:
            return verdict
    return None


def test_an_answer_that_waiting_does_not_change_ends_the_wait_within_seconds() -> None:
    begun = verdicts.begin("web", LONG, deadline_s=120.0)
    assert at(begun, (1.0, NOT_FOUND), (5.9, NOT_FOUND)) is None
    verdict = at(begun, (0.1, REFUSED), (1.0, NOT_FOUND), (6.1, NOT_FOUND))
    assert verdict is not None
    assert (verdict.kind, verdict.symptom) == ("unhealthy", "wrong")
    assert "after 6.1 s and 3 probes still failing: HTTP 404" in verdict.reason


def test_an_answer_that_changed_meanwhile_is_waited_for_again() -> None:
    begun = verdicts.begin("web", LONG, deadline_s=120.0)
    passing = Observation(kind="wrong", detail="HTTP 503")
    assert at(begun, (1.0, NOT_FOUND), (4.0, passing), (6.5, NOT_FOUND), (11.0, NOT_FOUND)) is None


def test_an_idle_service_at_another_port_ends_the_wait_within_seconds() -> None:
    begun = replace(verdicts.begin("web", LONG, deadline_s=120.0), own_ports=(8080,), other_ports=(8091,))
    verdict = at(begun, (1.0, REFUSED), (6.1, REFUSED))
    assert verdict is not None
    assert (verdict.kind, verdict.symptom) == ("timed out", "other port")
    assert verdict.reason.endswith("; it listens at 8091 instead of 8080")


def test_a_service_that_works_is_waited_for_though_it_listens_at_another_port() -> None:
    """A debugger's port, or that of metrics, may be open long before the one that counts."""
    begun = replace(verdicts.begin("web", LONG, deadline_s=120.0), own_ports=(8080,))
    refused, _ = verdicts.after_probe(begun, REFUSED, 0.1)
    seen = verdicts.after_look_at_ports(refused, {9464})
    for now_s in (4.0, 8.0, 12.0):
        seen = verdicts.after_look_at_processor(seen, now_s / 2, now_s)
    assert at(seen, (16.9, REFUSED)) is None
    idle = verdicts.after_look_at_processor(seen, 6.2, 17.0)
    assert at(idle, (17.0, REFUSED)) is not None
    assert verdicts.after_look_at_ports(seen, {9464, 8080}).other_ports == ()


def test_a_check_that_cannot_be_run_ends_the_wait_at_once() -> None:
    missing = Observation(kind="no program", detail="exit code 127")
    verdict = at(verdicts.begin("web", LONG, deadline_s=120.0), (0.1, missing))
    assert verdict is not None
    assert (verdict.kind, verdict.symptom) == ("unhealthy", "no program")
    assert "its health check cannot be run: exit code 127" in verdict.reason


@pytest.mark.parametrize("kind", ["hang", "refused", "wrong"])
def test_workers_that_end_again_and_again_end_the_wait(kind: Kind) -> None:
    begun = verdicts.begin("web", LONG, deadline_s=120.0)
    seen = (3.0, Observation(kind=kind, detail="?"))
    assert at(replace(begun, ended_workers=9), seen) is None
    verdict = at(replace(begun, ended_workers=10), seen)
    assert verdict is not None
    assert verdict.symptom == "workers end"
    assert "its worker processes have ended 10 times" in verdict.reason


@pytest.mark.parametrize(
    ("deadline_s", "symptom", "words"),
    [(15.0, "deadline", "; --timeout ended the wait, its health check allows 330 s"), (400.0, "refused", "")],
)
def test_a_wait_that_the_timeout_ended_says_so(deadline_s: float, symptom: str, words: str) -> None:
    verdict = at(verdicts.begin("web", LONG, deadline_s=deadline_s), (min(deadline_s, 331.0), REFUSED))
    assert verdict is not None
    assert verdict.symptom == symptom
    assert verdict.reason.endswith(f"nothing answers: connection refused{words}")


@pytest.mark.parametrize(
    ("code", "symptom"), [(0, "ended"), (3, "exit code"), (-9, "killed"), (137, "killed"), (-11, "signal")]
)
def test_an_exit_has_a_symptom(code: int, symptom: str) -> None:
    assert verdicts.after_exit("web", code, 1.0, is_job=False).symptom == symptom
