"""Owners that are interrupted, killed, stopped, or find nonsense: nothing of a stack outlives them."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.stage import ENGINE, LONG, Tree, small_disk
from stack import control, processes, state
from stack.errors import DiskFull, StateUnreadable

OWNER = Path(__file__).parent / "owner.py"
KILLS = 200 if LONG else 20


def own(tree: Tree, verb: str, *, terminal: int | None = None) -> subprocess.Popen[str]:
    """Start an owner in a session of its own; with ``terminal`` that is the session's."""
    prefix = [] if terminal is None else ["setsid", "--ctty"]
    return subprocess.Popen(
        [*prefix, sys.executable, str(OWNER), verb, str(tree.folder), ENGINE],
        stdin=terminal,
        stdout=subprocess.PIPE if terminal is None else terminal,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=terminal is None,
        env={**os.environ, "PYTHONPATH": str(control.ROOT)},
    )


def run(tree: Tree, verb: str) -> tuple[int, str]:
    """Run an owner to its end."""
    owner = own(tree, verb)
    said, _ = owner.communicate(timeout=60)
    return owner.returncode, said


def wait_for(owner: subprocess.Popen[str], word: str) -> None:
    assert owner.stdout is not None
    for line in owner.stdout:
        if word in line:
            return
    raise AssertionError(f"the owner ended without saying {word!r}")


def guardian(tree: Tree) -> int:
    """The pid of the living stack's guardian, 0 where there is none yet."""
    kept = _kept(tree)
    return kept.pid if kept is not None else 0


def _kept(tree: Tree) -> state.StackState | None:
    return next((kept for name in state.names() if (kept := state.read(name)) is not None), None)


def kill(pid: int) -> None:
    if pid:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.usefixtures("protection")
def test_an_owner_that_is_ended_takes_its_stack_along(two: Tree, number: signal.Signals) -> None:
    owner = own(two, "hold")
    wait_for(owner, "working")
    owner.send_signal(number)
    owner.communicate(timeout=30)
    two.nothing_left()


def test_an_owner_that_is_stopped_and_continued_loses_nothing(two: Tree) -> None:
    owner = own(two, "hold")
    wait_for(owner, "working")
    owner.send_signal(signal.SIGSTOP)
    time.sleep(0.5)  # stopped for a while is what is tested
    assert processes.started(guardian(two)) is not None
    owner.send_signal(signal.SIGCONT)
    os.killpg(owner.pid, signal.SIGINT)
    owner.communicate(timeout=30)
    assert owner.returncode == 130


@pytest.mark.usefixtures("protection")
def test_a_killed_guardian_s_stack_is_found_by_the_next_command(two: Tree) -> None:
    assert run(two, "up")[0] == 0
    kill(guardian(two))
    code, said = run(two, "list")
    assert (code, "cleaned up after" in said) == (0, True)
    two.nothing_left()


@pytest.mark.usefixtures("protection")
@pytest.mark.parametrize("behaviour", ["forks_twice", "hides"])
def test_a_service_that_slips_away_is_found_after_its_guardian_was_killed(tree: Tree, behaviour: str) -> None:
    tree.write({"db": behaviour})
    assert run(tree, "up")[0] == 0
    kill(guardian(tree))
    assert run(tree, "list")[0] == 0
    tree.nothing_left()


@pytest.mark.usefixtures("protection")
def test_kills_at_random_moments_leave_nothing(two: Tree, dice: random.Random) -> None:
    for _ in range(KILLS // 2):
        verb = dice.choice(["hold", "hold", "up", "down"])
        if verb == "down":
            assert run(two, "up")[0] == 0
        owner = own(two, verb)
        time.sleep(dice.uniform(0, 0.6 if verb == "down" else 1.5))  # the moment is the test
        victims: list[Callable[[], int]] = [lambda owner=owner: owner.pid, lambda: guardian(two)]
        for victim in dice.sample(victims, dice.choice([1, 1, 2])):
            kill(victim())
        _settle(two, owner)
        assert run(two, "down")[0] == 0  # a stack that was to stay may live
        two.nothing_left()


def _settle(tree: Tree, owner: subprocess.Popen[str]) -> None:
    """Whoever was not killed ends by himself where his partner is gone; an owner who works on is ended."""
    owner.kill()
    owner.communicate(timeout=30)
    for name in state.names():
        kept = state.read(name)
        if kept is not None and kept.ephemeral:
            deadline = time.monotonic() + 15
            while processes.is_alive(kept.pid, kept.pid_started) and time.monotonic() < deadline:
                time.sleep(0.02)


def test_two_ups_in_the_same_instant_make_one_stack(two: Tree) -> None:
    owners = [own(two, "up") for _ in range(2)]
    said = [owner.communicate(timeout=60)[0] for owner in owners]
    assert [owner.returncode for owner in owners] == [0, 0]
    assert sum("is up already" in text for text in said) == 1
    assert len(state.names()) == 1
    assert run(two, "down")[0] == 0


def test_a_down_during_an_up_leaves_nothing(two: Tree) -> None:
    owner = own(two, "up")
    deadline = time.monotonic() + 20
    while not guardian(two) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert run(two, "down")[0] == 0
    owner.communicate(timeout=60)
    assert owner.returncode in {0, 3}
    assert run(two, "down")[0] == 0
    two.nothing_left()


def test_a_detached_stack_survives_its_terminal_but_not_down(two: Tree) -> None:
    with terminal() as (theirs, close):
        owner = own(two, "up", terminal=theirs)
        assert owner.wait(timeout=60) == 0
        close()
    pid = guardian(two)
    assert processes.started(pid) is not None
    assert run(two, "down")[0] == 0
    two.nothing_left()


def test_an_ephemeral_stack_ends_with_its_terminal(two: Tree) -> None:
    with terminal() as (theirs, close):
        owner = own(two, "hold", terminal=theirs)
        deadline = time.monotonic() + 20
        while not (kept := _kept(two)) or kept.phase != "up":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        close()
        assert owner.wait(timeout=20) == -signal.SIGHUP
    two.nothing_left()


@contextlib.contextmanager
def terminal() -> Iterator[tuple[int, Callable[[], None]]]:
    """A terminal's end for a program, and what closes the window."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as window:
        yield theirs, window.close
    with contextlib.suppress(OSError):
        os.close(theirs)


def test_a_work_tree_that_is_deleted_does_not_keep_its_stack(two: Tree, tmp_path: Path) -> None:
    assert run(two, "up")[0] == 0
    two.folder.rename(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    code, said = run(two, "down")
    assert code == 0, said
    assert "Traceback" not in said
    assert state.names() == ()


@pytest.mark.parametrize(
    "text",
    ["", '{"version": 1, "name": ', '{"version": 99}', '{"version": 1, "hello": "world"}', "[]", "\x00\x00"],
    ids=["empty", "truncated", "another version", "not ours", "another shape", "zeros"],
)
def test_a_state_file_that_makes_no_sense_is_set_aside_and_told(two: Tree, text: str) -> None:
    path = state.state_file("toy")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(StateUnreadable):
        state.read("toy")
    code, said = run(two, "up")
    assert code == 0, said
    assert "set aside" in said
    assert run(two, "down")[0] == 0


def test_a_pid_that_was_given_to_another_process_is_not_ours(two: Tree) -> None:
    assert run(two, "up")[0] == 0
    name = state.names()[0]
    kill(guardian(two))
    bystander = subprocess.Popen(["sleep", "60"])
    path = state.state_file(name)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": bystander.pid}))
    assert run(two, "list")[0] == 0
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    two.nothing_left()


def test_a_clock_set_back_ends_no_stack(two: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(two, "up")[0] == 0
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: 0.0)
        assert control.sweep() == []
    assert run(two, "down")[0] == 0


def test_a_full_disk_is_an_error_of_its_own_and_leaves_nothing(two: Tree) -> None:
    home = Path(os.environ["STACK_HOME"])
    words = [sys.executable, str(OWNER), "up", str(two.folder), ENGINE]
    filled = ["sh", "-c", f'head -c 1M /dev/zero > "{home}/filling"; exec "$@"', "sh", *words]
    ended = subprocess.run(
        small_disk(home, "64k", filled),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(control.ROOT)},
    )
    assert "No room is left" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.returncode == DiskFull.code
    two.nothing_left()
