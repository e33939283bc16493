"""How every program ends: its exit code and what it prints."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from stack.commands import exit_code
from stack.control.session import StartFailed
from stack.errors import NotUp
from stack.records.timeline import Event


@pytest.fixture(autouse=True)
def signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this process' own Ctrl-C as it is."""
    monkeypatch.setattr(exit_code.ctrl_c, "raise_lost_interrupts", lambda: None)
    monkeypatch.setattr(exit_code.ctrl_c, "ignore", lambda *, last: None)


def failing(error: BaseException) -> int:
    def work() -> None:
        raise error

    return exit_code.run(work, interrupted="interrupted; the stack is down")


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (7, 7), (-9, 137), (-15, 143)])
def test_the_result_of_the_work_is_the_exit_code(result: int | None, code: int) -> None:
    assert exit_code.run(lambda: result) == code


def test_an_error_is_printed_and_its_code_is_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(NotUp("It is not up.", hint="Start it.")) == NotUp.code
    assert capsys.readouterr().err == "error: It is not up.\n       Start it.\n"


def test_a_failed_start_is_reported_before_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    event = Event(at=1.0, kind="service", service="web", state="exited", text="exited with code 1")
    assert failing(StartFailed([event], Path("/runs/1"))) == StartFailed.code
    captured = capsys.readouterr()
    assert "web failed: exited, exited with code 1" in captured.out
    assert "error: The stack did not come up" in captured.err


def test_ctrl_c_is_130_and_says_what_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr().out == "interrupted; the stack is down\n"


def test_a_full_disk_is_a_sentence_with_its_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(OSError(errno.ENOSPC, "No space left on device", ".stack/runs/1/request.json")) == 21
    assert capsys.readouterr().err.startswith("error: No room is left where .stack/runs/1/request.json is")


def test_the_accounts_of_servers_can_enter_what_root_makes_whatever_its_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    before = os.umask(0o077)
    try:
        exit_code.run(lambda: (tmp_path / "made").mkdir())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o755


def test_that_the_folder_of_the_command_was_deleted_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert exit_code.run(lambda: print(Path.cwd())) == 1
    assert "The folder in which this was typed was deleted." in capsys.readouterr().err
