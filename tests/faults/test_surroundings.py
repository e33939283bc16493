"""What a stack stands on is taken away, forged or full: its work tree, its state, its disk, the clock."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from faults.owning import environment, guardian, kill, run, words
from faults.stage import PATIENCE_S, Tree, small_disk
from stack.control import sweep
from stack.errors import DiskFull
from stack.records import state, timeline

local = pytest.mark.only("local")
"""What is read before any engine is asked."""


def test_a_work_tree_that_is_deleted_does_not_keep_its_stack(two: Tree, tmp_path: Path) -> None:
    assert run(two, "up")[0] == 0
    two.folder.rename(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    code, said = run(two, "down")
    assert code == 0, said
    assert "Traceback" not in said
    assert state.names() == ()


WHOLE = {
    "version": state.VERSION, "name": "toy", "engine": "local", "work_tree": "/nowhere", "run": "/nowhere",
    "token": "none", "ephemeral": True, "created": 0.0, "pid": 0, "pid_started": 0.0,
}  # fmt: skip
"""A state that would be believed: each forgery below is one step away from it."""

FORGERIES = {
    "empty": "",
    "truncated": json.dumps(WHOLE)[:60],
    "another version": json.dumps(WHOLE | {"version": 99}),
    "not ours": json.dumps(WHOLE | {"hello": "world"}),
    "lacking": json.dumps({key: value for key, value in WHOLE.items() if key != "token"}),
    "another shape": "[]",
    "zeros": "\x00\x00",
}


@local
@pytest.mark.parametrize("text", FORGERIES.values(), ids=FORGERIES)
def test_a_state_file_that_makes_no_sense_is_set_aside_and_told(two: Tree, text: str) -> None:
    path = state.state_file("toy")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    code, said = run(two, "list")
    assert code == 0, said
    assert "set aside the state of toy" in said
    assert path.with_suffix(".damaged").read_text() == text


@local
def test_a_state_file_that_makes_no_sense_is_in_nobody_s_way(two: Tree) -> None:
    path = state.state_file(os.environ["STACK_NAME"])
    path.parent.mkdir(parents=True)
    path.write_text(FORGERIES["truncated"])
    assert run(two, "up")[0] == 0
    assert run(two, "down")[0] == 0


@local
def test_a_pid_that_was_given_to_another_process_is_not_ours(two: Tree) -> None:
    assert run(two, "up")[0] == 0
    name = state.names()[0]
    kill(guardian(two))
    bystander = subprocess.Popen(["sleep", "60"])
    path = state.state_file(name)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": bystander.pid}))
    assert run(two, "list")[0] == 0
    alive = bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert alive
    two.nothing_left()


@local
def test_a_clock_set_back_ends_no_stack(two: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(two, "up")[0] == 0
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: 0.0)
        assert sweep.sweep() == []
    assert run(two, "down")[0] == 0


@local
def test_a_full_disk_is_an_error_of_its_own_and_leaves_nothing(two: Tree) -> None:
    home = Path(os.environ["STACK_HOME"])
    filled = ["sh", "-c", f'head -c 1M /dev/zero > "{home}/filling"; exec "$@"', "sh", *words(two, "up")]
    ended = subprocess.run(
        small_disk(home, "64k", filled),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(),
    )
    assert "No room is left" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.returncode == DiskFull.code
    two.nothing_left()


@local
def test_a_disk_that_fills_while_a_stack_is_up_keeps_it_from_nothing_at_its_end(two: Tree) -> None:
    home = Path(os.environ["STACK_HOME"])
    up, down = (shlex.join(words(two, verb)) for verb in ("up", "down"))
    script = f'{up} && head -c 1M /dev/zero > "{home}/filling"; exec {down}'
    ended = subprocess.run(
        small_disk(home, "512k", ["sh", "-c", script]),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(),
    )
    assert ended.returncode == 0, ended.stderr
    (record,) = (two.folder / ".stack" / "runs").iterdir()
    assert timeline.read(record)[-1].state == "down", "its guardian did not come to the end"
    two.nothing_left()
