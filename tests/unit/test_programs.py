from __future__ import annotations

import logging
import os
import stat
import time
from pathlib import Path

import pytest

from stack.errors import CommandFailed
from stack.system import directories, programs


def test_output_and_code_are_answered_and_the_command_is_echoed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="stack.system.programs")
    done = programs.run(["sh", "-c", "cat; echo no >&2; exit 3"], input="yes", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "yes", "no\n")
    assert caplog.messages == ["sh -c 'cat; echo no >&2; exit 3'"]


def test_an_error_carries_argv_code_and_output() -> None:
    with pytest.raises(CommandFailed, match="no luck") as caught:
        programs.run(["sh", "-c", "echo no luck >&2; exit 3"])
    assert (caught.value.argv[0], caught.value.returncode) == ("sh", 3)


def test_a_missing_program_is_no_traceback() -> None:
    for start in (programs.run, programs.attach):
        with pytest.raises(CommandFailed) as caught:
            start(["no-such-program"])
        assert caught.value.returncode == programs.NOT_FOUND


def test_a_command_that_does_not_end_is_killed_with_its_children_and_named() -> None:
    began = time.monotonic()
    with pytest.raises(CommandFailed, match=r"`sh -c 'sleep 60; true'` did not end within 0\.05 s"):
        programs.run(["sh", "-c", "sleep 60; true"], timeout_s=0.05)
    assert time.monotonic() - began < 30


def test_an_attached_program_answers_its_code() -> None:
    assert programs.attach(["sh", "-c", "exit 3"]) == 3


def test_the_places_follow_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "a" / "home"))
    monkeypatch.setenv("STACK_CACHE", str(tmp_path / "a" / "cache"))
    assert directories.state_home() == tmp_path / "a" / "home"
    assert directories.cache_home() == tmp_path / "a" / "cache"
    mode = 0o755 if os.geteuid() == 0 else 0o700
    assert stat.S_IMODE((tmp_path / "a" / "home").stat().st_mode) == mode
