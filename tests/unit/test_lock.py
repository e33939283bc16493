"""Locks that are files: one holder, a deadline, and released by the kernel when the holder is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.system import cached_folder, lock

HOLDER = """
import sys, time
from pathlib import Path
from stack.system.lock import FileLock
held = FileLock(Path(sys.argv[1]))
print(held.acquire(), flush=True)
time.sleep(60)
"""


def test_who_waits_too_long_is_told_what_for(tmp_path: Path) -> None:
    file = tmp_path / "locks" / "ports"
    with (
        lock.hold(file, timeout_s=1, purpose="ports"),
        pytest.raises(StackError, match="held the lock for ports for 0 s"),
        lock.hold(file, timeout_s=0, purpose="ports"),
    ):
        pass
    with lock.hold(file, timeout_s=0, purpose="ports"):
        pass


def test_the_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    file = tmp_path / "ports"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    waiting = lock.FileLock(file)
    assert not waiting.acquire()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert waiting.acquire(5)
    waiting.close()


def test_a_folder_that_another_command_never_finishes_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_folder, "LIMIT_S", 0)
    with (
        lock.hold(tmp_path / ".envs.lock", timeout_s=1, purpose="making envs"),
        pytest.raises(StackError, match="held the lock for making envs"),
    ):
        cached_folder.make_once(tmp_path / "envs", lambda folder, _: None)
