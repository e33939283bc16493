"""A stack's surroundings fail: its work tree, its state file, its disk, the clock."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from faults.disks import small_disk
from faults.owners import guardian_pid, kill, owner_command, owner_environment, run_owner
from faults.settings import PATIENCE_S
from faults.tree import Tree
from stack.control import sweep
from stack.errors import DiskFull
from stack.records import folders, state, timeline
from unprotected.protection import Cut, protected_by

SUMMARY = "stack/display/summary.py"
GUARDIAN = "stack/guardian/guardian.py"
STATE = "stack/records/state.py"
RECORD_FILE = "stack/records/record_file.py"
DISK_SPACE = "stack/system/disk_space.py"
PROCESSES = "stack/system/processes.py"

local = pytest.mark.only("local")
"""Independent of the engine: one engine is enough."""


@protected_by(
    "the record of a run that was deleted is not made again",
    Cut(SUMMARY, 'if not (run / "request.json").is_file():', "if False:"),
)
def test_a_stack_can_be_ended_after_its_work_tree_was_deleted(two_services: Tree, tmp_path: Path) -> None:
    assert run_owner(two_services, "up")[0] == 0
    two_services.folder.rename(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    code, output = run_owner(two_services, "down")
    assert code == 0, output
    assert "Traceback" not in output
    assert folders.names() == ()


VALID = {
    "version": state.VERSION, "name": "toy", "engine": "local", "work_tree": "/nowhere", "run": "/nowhere",
    "token": "none", "ephemeral": True, "created": 0.0, "pid": 0, "pid_started": 0.0,
}  # fmt: skip
"""A valid state; each forgery below differs in one way."""

FORGERIES = {
    "empty": "",
    "truncated": json.dumps(VALID)[:60],
    "another version": json.dumps(VALID | {"version": 99}),
    "not ours": json.dumps(VALID | {"hello": "world"}),
    "lacking": json.dumps({key: value for key, value in VALID.items() if key != "token"}),
    "another shape": "[]",
    "zeros": "\x00\x00",
}


@protected_by(
    "it is read as a whole or not at all",
    Cut(
        RECORD_FILE,
        "except (msgspec.MsgspecError, UnicodeDecodeError) as error:",
        "except UnicodeDecodeError as error:",
    ),
    cases=["empty", "truncated", "zeros", "lacking", "another shape"],
)
@protected_by(
    "the version is compared",
    Cut(STATE, "tag=VERSION", "tag=99"),
    cases=["another version"],
)
@protected_by(
    "unknown keys are refused",
    Cut(STATE, "forbid_unknown_fields=True, tag_field", "tag_field"),
    cases=["not ours"],
)
@local
@pytest.mark.parametrize("text", FORGERIES.values(), ids=FORGERIES)
def test_a_damaged_state_file_is_set_aside_and_reported(two_services: Tree, text: str) -> None:
    path = folders.state_file("toy")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    code, output = run_owner(two_services, "list")
    assert code == 0, output
    assert "set aside the state of toy" in output
    assert path.with_suffix(".damaged").read_text() == text


@local
def test_a_damaged_state_file_does_not_stop_an_up(two_services: Tree) -> None:
    path = folders.state_file(os.environ["STACK_NAME"])
    path.parent.mkdir(parents=True)
    path.write_text(FORGERIES["truncated"])
    assert run_owner(two_services, "up")[0] == 0
    assert run_owner(two_services, "down")[0] == 0


@protected_by(
    "the guardian's start time",
    Cut(PROCESSES, "return pid > 0 and started(pid) == since", "return pid > 0 and started(pid) is not None"),
)
@local
def test_a_pid_that_was_reused_by_another_process_is_left_alone(two_services: Tree) -> None:
    assert run_owner(two_services, "up")[0] == 0
    name = folders.names()[0]
    kill(guardian_pid(two_services))
    bystander = subprocess.Popen(["sleep", "60"])
    path = folders.state_file(name)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": bystander.pid}))
    assert run_owner(two_services, "list")[0] == 0
    alive = bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert alive
    two_services.require_nothing_left()


@protected_by(
    "start times count from the machine's boot",
    Cut(
        PROCESSES, "float(fields[19])", "round(time.time() - time.monotonic() + float(fields[19]) / 100, -1)"
    ),
)
@local
def test_a_clock_set_back_ends_no_stack(two_services: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_owner(two_services, "up")[0] == 0
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: 0.0)
        assert sweep.sweep() == []
    assert run_owner(two_services, "down")[0] == 0


@protected_by(
    "what the machine refuses is told by its name",
    Cut(DISK_SPACE, 'return DiskFull(f"No room is left where', 'StackError(f"'),
)
@local
def test_a_full_disk_is_an_error_of_its_own_and_leaves_nothing(two_services: Tree) -> None:
    home = Path(os.environ["STACK_HOME"])
    filled = [
        "sh",
        "-c",
        f'head -c 1M /dev/zero > "{home}/filling"; exec "$@"',
        "sh",
        *owner_command(two_services, "up"),
    ]
    ended = subprocess.run(
        small_disk(home, "64k", filled),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=owner_environment(),
    )
    assert "No room is left" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.returncode == DiskFull.code
    two_services.require_nothing_left()


@protected_by(
    "what cannot be noted down keeps nothing from ending",
    Cut(GUARDIAN, "with contextlib.suppress(OSError):  # also on a full disk the stack is ended", "if True:"),
)
@local
def test_a_stack_ends_in_order_although_the_disk_filled_meanwhile(two_services: Tree) -> None:
    home = Path(os.environ["STACK_HOME"])
    up, down = (shlex.join(owner_command(two_services, verb)) for verb in ("up", "down"))
    script = f'{up} && head -c 1M /dev/zero > "{home}/filling"; exec {down}'
    ended = subprocess.run(
        small_disk(home, "512k", ["sh", "-c", script]),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=owner_environment(),
    )
    assert ended.returncode == 0, ended.stderr
    (record,) = (two_services.folder / ".stack" / "runs").iterdir()
    events = timeline.read(record)
    assert events[-1].state == "down", "its guardian did not finish"
    assert [event.text for event in events if event.kind == "error"] == []
    two_services.require_nothing_left()
