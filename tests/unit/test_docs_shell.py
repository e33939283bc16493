"""The shell into which the pages are typed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from docs.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with Shell(tmp_path, os.environ) as opened:
        yield opened


def test_a_variable_lasts_from_line_to_line(shell: Shell) -> None:
    shell.type("export GREETING=hello")
    assert shell.type("echo $GREETING").output == "hello\n"


def test_a_line_has_both_streams_and_an_exit_code(shell: Shell) -> None:
    printed = shell.type("echo out; echo err >&2; false")
    assert (printed.output, printed.code) == ("out\nerr\n", 1)


def test_ctrl_c_ends_the_command_and_not_the_shell(shell: Shell) -> None:
    printed = shell.type("bash -c 'echo tick; sleep 60'", interrupt_when=lambda output: "tick" in output)
    assert (printed.output, printed.code) == ("tick\n", 130)
    assert shell.type("echo still here").output == "still here\n"


def test_ctrl_c_waits_for_the_end_of_a_line(shell: Shell) -> None:
    ticking = "printf tick; sleep 0.3; echo; sleep 60"
    printed = shell.type(f"bash -c '{ticking}'", interrupt_when=lambda output: "tick" in output)
    assert printed.output == "tick\n"


def test_a_command_that_ends_the_shell_is_an_error(shell: Shell) -> None:
    with pytest.raises(AssertionError, match="ended the shell"):
        shell.type("exit 3")


def test_nothing_that_was_started_outlives_the_shell(tmp_path: Path) -> None:
    with Shell(tmp_path, os.environ) as shell:
        pid = int(shell.type("sleep 60 & echo $!").output)
    with contextlib.suppress(psutil.NoSuchProcess):
        left = psutil.Process(pid)
        psutil.wait_procs([left], timeout=5)  # a killed process ends soon, not at once
        assert left.status() == psutil.STATUS_ZOMBIE


def test_a_command_whose_output_never_comes_is_told_from_one_that_ignores_ctrl_c(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docs.shell.LIMIT_S", 1.5)
    with pytest.raises(
        AssertionError, match="Ctrl-C was not sent, because its output was never as documented"
    ):
        shell.type("echo other; sleep 60", interrupt_when=lambda output: "tick" in output)
