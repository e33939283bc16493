from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from stack.errors import CommandFailed
from stack.system import async_programs, directories, libpq, programs
from stack.system.completed import Completed

SHELL_FAILS = ["sh", "-c", "echo out; echo no luck >&2; exit 3"]
SLEEPS = ["sh", "-c", "echo soon; sleep 60; true"]


def run_async(argv: Sequence[str | Path], **options: Any) -> Completed:
    return asyncio.run(async_programs.run(argv, **options))


both = pytest.mark.parametrize("run", [programs.run, run_async])


@both
def test_output_and_code_are_returned_and_the_command_is_echoed(
    run: Callable[..., Completed], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="stack.system.programs")
    done = run(["sh", "-c", "echo yes; echo no >&2; exit 3"], check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "yes\n", "no\n")
    assert caplog.messages == ["sh -c 'echo yes; echo no >&2; exit 3'"]


@both
def test_a_program_has_the_user_s_variables_that_libpq_is_not_shown(
    run: Callable[..., Completed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "elsewhere")
    libpq.hide_user_variables()
    assert run(["sh", "-c", "echo $PGHOST"]).stdout == "elsewhere\n"


@both
def test_an_error_has_the_command_its_exit_code_and_both_streams(run: Callable[..., Completed]) -> None:
    with pytest.raises(CommandFailed) as caught:
        run(SHELL_FAILS)
    error = caught.value
    assert error.message == "`sh -c 'echo out; echo no luck >&2; exit 3'` ended with 3: out\nno luck"
    assert (error.returncode, error.stdout, error.stderr) == (3, "out\n", "no luck\n")


@pytest.mark.parametrize("run", [programs.run, run_async, programs.attach])
def test_a_missing_program_is_reported_as_missing(run: Callable[..., object]) -> None:
    with pytest.raises(CommandFailed) as caught:
        run(["no-such-program", "-x"])
    assert caught.value.message == "`no-such-program -x` was not found."
    assert caught.value.returncode is None


@both
def test_a_program_that_may_not_be_run_is_not_reported_as_missing(
    run: Callable[..., Completed], tmp_path: Path
) -> None:
    with pytest.raises(CommandFailed, match=r"cannot be run: .*Permission denied"):
        run([tmp_path])


@both
def test_a_command_that_does_not_end_is_killed_with_its_children_and_named(
    run: Callable[..., Completed],
) -> None:
    with pytest.raises(CommandFailed) as caught:
        run(SLEEPS, timeout_s=0.3)
    words = "`sh -c 'echo soon; sleep 60; true'` did not end within 0.3 s and was killed: soon"
    assert (caught.value.message, caught.value.timed_out) == (words, True)


@both
def test_a_process_that_left_its_session_and_holds_the_output_does_not_hold_us(
    run: Callable[..., Completed],
) -> None:
    done = run(["sh", "-c", "setsid sleep 5 & echo started"], timeout_s=3)
    assert done.stdout == "started\n"


def test_what_a_program_writes_is_followed_to_its_end() -> None:
    lines: list[bytes] = []
    assert asyncio.run(async_programs.follow(["sh", "-c", "echo a; echo b >&2; exit 4"], lines.append)) == 4
    assert b"".join(lines) == b"a\nb\n"


def test_whether_a_program_succeeds_needs_it_to_be_there_to_end_and_to_end_well() -> None:
    cases = (["true"], ["false"], ["no-such-program"], ["sleep", "60"])
    assert [programs.succeeds(argv, timeout_s=0.3) for argv in cases] == [True, False, False, False]


def test_the_exit_code_of_an_attached_program_is_returned() -> None:
    assert programs.attach(["sh", "-c", "exit 3"]) == 3


def test_ctrl_c_while_a_program_is_attached_is_noted_whatever_the_program_makes_of_it() -> None:
    interrupts: list[bool] = []
    code = programs.attach(["sh", "-c", "kill -INT $PPID"], on_interrupt=lambda: interrupts.append(True))
    assert (code, interrupts) == (0, [True])


def test_the_directories_follow_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "a" / "home"))
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "a" / "cache"))
    assert directories.state_home() == tmp_path / "a" / "home"
    assert directories.cache_home() == tmp_path / "a" / "cache"
    mode = 0o755 if os.geteuid() == 0 else 0o700
    assert stat.S_IMODE((tmp_path / "a" / "home").stat().st_mode) == mode


def test_the_end_of_a_program_is_noticed_without_looking_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sleep(duration_s: float) -> None:
        pytest.fail("it was looked for")

    monkeypatch.setattr("subprocess.time.sleep", sleep)
    assert programs.run(["sleep", "0.05"]).returncode == 0
    with pytest.raises(CommandFailed, match="did not end within"):
        programs.run(["sleep", "60"], timeout_s=0.05)
