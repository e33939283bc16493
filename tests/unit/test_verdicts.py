"""The table of verdicts, row by row, on a clock that is only a number."""

from __future__ import annotations

import pytest

from stack.health import verdicts
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


def test_a_deadline_without_any_probe_says_that_nothing_was_seen() -> None:
    verdict = verdicts.at_deadline(verdicts.begin("backend", CHECK, deadline_s=1.0), 1.0)
    assert (verdict.kind, "no probe completed" in verdict.reason) == ("timed out", True)


def test_patience_is_what_the_check_allows_but_never_more_than_the_deadline() -> None:
    assert verdicts.begin("x", CHECK, deadline_s=60.0).patience_s() == 5.0 + 3 * 1.0 + 2.0
    assert verdicts.begin("x", CHECK, deadline_s=4.0).patience_s() == 4.0
    assert verdicts.begin("x", None, deadline_s=4.0).patience_s() == 4.0


@pytest.mark.parametrize(
    ("code", "awaited", "kind", "words"),
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
def test_an_end_is_judged_by_its_code_and_by_who_waits_for_it(
    code: int, awaited: bool, kind: str, words: str
) -> None:
    verdict = verdicts.after_exit("seed", code, 2.0, awaited=awaited)
    assert (verdict.kind, verdict.seconds) == (kind, 2.0)
    assert words in verdict.reason


def test_out_of_memory_is_said_as_a_fact_where_the_kernel_says_so() -> None:
    assert verdicts.code_in_words(137, oom=True) == "killed by SIGKILL (out of memory)"


def test_a_code_just_above_the_signals_is_a_plain_code() -> None:
    assert verdicts.code_in_words(255) == "exited with code 255"
    assert verdicts.code_in_words(128) == "exited with code 128"


def test_probes_come_fast_at_first_and_rarely_later() -> None:
    progress = verdicts.begin("x", CHECK, deadline_s=60.0)
    assert [verdicts.next_probe_s(progress, now_s) for now_s in (0.0, 0.4, 10.0, 100.0)] == [
        0.025,
        0.025,
        0.5,
        1.0,
    ]
