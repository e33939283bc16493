"""Workers take turns: at most one less than there are processors does at once what takes a whole one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from core import turns

TRY = "import fcntl, sys; fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB, 1)"


@pytest.fixture
def file(monkeypatch):
    """The file of turns of which there is one at a time."""
    monkeypatch.setattr(turns, "_file", None)
    monkeypatch.setattr(turns, "places", lambda processors: 1)
    turns.share_turns()
    yield turns._file
    os.close(turns._file)


def is_free(file: int) -> bool:
    """Return whether another process, which inherits the file as a worker does, gets the turn."""
    done = subprocess.run([sys.executable, "-c", TRY, str(file)], pass_fds=[file], capture_output=True)
    assert done.returncode == 0 or b"BlockingIOError" in done.stderr
    return done.returncode == 0


def test_a_turn_is_for_one_process_until_it_gives_it_up(file):
    with turns.take_turn():
        assert not is_free(file)
    assert is_free(file)


def test_a_turn_ends_with_an_error(file):
    with pytest.raises(ZeroDivisionError), turns.take_turn():
        raise ZeroDivisionError
    assert is_free(file)


def test_without_others_nobody_waits(monkeypatch):
    monkeypatch.setattr(turns, "_file", None)
    with turns.take_turn(), turns.take_turn():
        pass


@pytest.mark.parametrize(("processors", "count"), [(1, 1), (2, 1), (4, 3)])
def test_a_processor_stays_free(processors, count):
    assert turns.places(processors) == count
