"""Limits of a service, with the kernel's own control groups where this machine gives any."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from stack.control import places
from stack.control.local_place import LocalPlace
from stack.engines.local import limits
from stack.model import Limits, Service
from stack.plan.plan import ServicePlan
from stack.records.state import StackState
from stack.system import control_groups
from stack.system.control_groups import ControlGroup
from stack.system.processes import own_pid
from unprotected.protection import Cut, protected_by

GROUPS = "stack/system/control_groups.py"

MIB = 1 << 20
OF_VERSION_2 = {
    "cgroup.controllers": "cpu memory pids",
    "cgroup.subtree_control": "memory",
}


@pytest.fixture
def group() -> Iterator[ControlGroup | None]:
    made = control_groups.create("test", memory_bytes=96 * MIB, processes=8, cpus=0.5)
    yield made
    if made is not None:
        assert made.remove()


def run(group: ControlGroup, script: str) -> subprocess.CompletedProcess[str]:
    argv = (*group.words(), sys.executable, "-c", script)
    return subprocess.run(argv, capture_output=True, text=True, timeout=60)


@protected_by(
    "a service has the memory that its limit allows",
    Cut(GROUPS, '        yield "memory.limit_in_bytes", str(memory_bytes)\n', ""),
    Cut(GROUPS, '        yield "memory.memsw.limit_in_bytes", str(2 * memory_bytes)\n', ""),
    Cut(GROUPS, '        yield "memory.max", str(memory_bytes)\n', ""),
)
def test_what_takes_too_much_memory_is_ended_and_known_for_it(group: ControlGroup | None) -> None:
    if group is None:
        assert limits.enforced([]) & {"mem_limit", "pids_limit", "cpus"} == set()
        return
    assert run(group, "x = b'x' * (32 << 20)").returncode == 0
    assert group.oom_kills() == 0
    assert run(group, "x = b'x' * (160 << 20)").returncode == -9
    assert group.oom_kills() == 1


def test_more_processor_time_than_the_group_above_has_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its limit holds for the service, too."""
    above = control_groups.create("above", cpus=0.25)
    if above is None:
        assert "cpus" not in limits.enforced([])
        return
    monkeypatch.setattr(control_groups, "_parents", lambda: above.folders)
    try:
        within = control_groups.create("within", cpus=0.5)
        assert within is not None
        assert run(within, "").returncode == 0
        assert within.remove()
    finally:
        for folder in (folder for each in above.folders.values() for folder in (*each.glob("*/"), each)):
            folder.rmdir()


def test_the_group_of_a_service_is_found_by_its_process(group: ControlGroup | None) -> None:
    assert control_groups.group_of(own_pid()) is None
    if group is None:
        return
    with subprocess.Popen((*group.words(), "cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as inside:
        assert inside.stdin is not None
        assert inside.stdout is not None
        inside.stdin.write(b"\n")
        inside.stdin.flush()
        inside.stdout.read(1)  # the group is entered before the program is run
        assert control_groups.group_of(inside.pid) == group


@pytest.mark.parametrize("on_its_network", [True, False])
def test_a_command_beside_a_service_runs_within_its_limits(
    group: ControlGroup | None, monkeypatch: pytest.MonkeyPatch, on_its_network: bool
) -> None:
    service = Service(name="web", limits=Limits(ulimits={"nofile": (50, 60)}))
    plan = ServicePlan(service=service, argv=(), environment={}, ports={}, cwd=Path("/"), folders={})
    monkeypatch.setattr(places, "_pid", lambda stack, service: 7)
    monkeypatch.setattr(control_groups, "group_of", {7: group}.get)
    stack = cast(StackState, None)
    place = LocalPlace(stack=stack, plan=plan, environment={}, account=None, view=None)
    argv = place.inside(["true"], on_its_network=on_its_network)
    assert argv == [*limits.words(service, group), "true"]
    assert argv[:2] == ["prlimit", "--nofile=50:60"]


def test_processes_are_counted_and_processor_time_is_given_out(group: ControlGroup | None) -> None:
    if group is None:
        return
    forks = "import os, time\nfor _ in range(20):\n    if os.fork() == 0:\n        time.sleep(1); os._exit(0)"
    assert "BlockingIOError" in run(group, forks).stderr
    busy = "import time\nend = time.time() + 1\nwhile time.time() < end: pass\nprint(time.process_time())"
    assert float(run(group, busy).stdout) < 0.75


def test_the_groups_of_a_guardian_that_is_gone_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    monkeypatch.setattr(control_groups, "own_pid", lambda: child.pid)
    left = control_groups.create("left", memory_bytes=MIB * 64)
    control_groups.remove_abandoned()
    assert left is None or not left.folders["memory"].exists()


def test_a_service_without_limits_has_no_group_and_no_words_before_its_command() -> None:
    assert limits.group_of(Service(name="web")) is None
    assert limits.words(Service(name="web"), None) == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("memory.max", str(64 * MIB)),
        ("memory.swap.max", str(64 * MIB)),
        ("pids.max", "9"),
        ("cpu.max", "50000 100000"),
    ],
)
def test_version_2_has_one_folder_with_a_file_for_each_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    for file, content in OF_VERSION_2.items():
        (tmp_path / file).write_text(content)
    monkeypatch.setattr(
        control_groups, "_parents", lambda: dict.fromkeys(control_groups.CONTROLLERS, tmp_path)
    )
    folder = tmp_path / f"{control_groups.PREFIX}{control_groups.own_pid()}-web"
    folder.mkdir()
    for file in ("memory.max", "memory.swap.max", "pids.max", "cpu.max"):
        (folder / file).touch()
    made = control_groups.create("web", memory_bytes=64 * MIB, processes=9, cpus=0.5)
    assert made is not None
    assert set(made.folders.values()) == {folder}
    assert (folder / name).read_text() == text
    (folder / "memory.events").write_text("oom 3\noom_kill 2\n")
    assert made.oom_kills() == 2


def test_ulimits_hold_for_each_process() -> None:
    service = Service(name="web", limits=Limits(ulimits={"nofile": (50, 60), "core": (0, 0)}))
    assert "ulimits" in limits.enforced([service])
    argv = (*limits.words(service, None), "sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c")
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split() == [
        "50",
        "60",
        "0",
    ]


def test_an_ordinary_user_cannot_raise_a_limit_and_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(limits.resource, "getrlimit", lambda number: (10, 100))
    higher = Service(name="web", limits=Limits(ulimits={"nofile": (50, 200)}))
    assert "ulimits" not in limits.enforced([higher])
    assert limits.words(higher, None) == ()
    assert "ulimits" in limits.enforced([Service(name="web", limits=Limits(ulimits={"nofile": (50, 100)}))])
