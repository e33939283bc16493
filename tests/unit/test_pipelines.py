"""Programs in a row: what flows through, and which failure is reported."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from stack.errors import CommandFailed
from stack.system import pipelines


def test_each_reads_what_the_one_before_it_writes(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_text("b\na\n")
    with source.open("rb") as reading, target.open("wb") as writing:
        pipelines.pipeline(
            [["sort"], ["tr", "a-z", "A-Z"]], source=reading.fileno(), target=writing.fileno(), timeout_s=10
        )
    assert target.read_text() == "A\nB\n"


def test_the_first_failure_is_the_cause_and_not_the_broken_pipe_behind_it() -> None:
    fails = ["sh", "-c", "head -c 1 >/dev/null; echo no luck >&2; exit 3"]
    with pytest.raises(CommandFailed) as caught:
        pipelines.pipeline([["yes"], fails, ["cat"]], timeout_s=10)
    assert (caught.value.argv[0], caught.value.returncode) == ("sh", 3)
    assert caught.value.stderr == "no luck\n"


def test_a_program_that_is_not_there_is_named_and_the_others_are_ended() -> None:
    started = time.monotonic()
    with pytest.raises(CommandFailed, match="`no-such-program` was not found"):
        pipelines.pipeline([["sleep", "60"], ["no-such-program"]], timeout_s=10)
    assert time.monotonic() - started < 5


def test_a_pipeline_that_does_not_end_is_killed_at_its_deadline() -> None:
    with pytest.raises(
        CommandFailed, match=r"`sleep 60` did not end within 0\.05 s and was killed"
    ) as caught:
        pipelines.pipeline([["sleep", "60"], ["cat"]], timeout_s=0.05, pause_s=0.01)
    assert caught.value.timed_out


def test_the_time_that_it_takes_can_be_used() -> None:
    calls: list[int] = []
    pipelines.pipeline([["sleep", "0.1"]], timeout_s=10, meanwhile=lambda: calls.append(1), pause_s=0.01)
    assert calls
