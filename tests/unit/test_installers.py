"""An installer may take long; one that does nothing is ended, and what it said last is told."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stack.environments import uv
from stack.errors import BuildFailed, CommandFailed
from stack.system import installers, programs

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace")
NEVER_ENDS = "echo Resolved 5 packages; echo Downloading big; touch ready; exec sleep 600"


def run(script: str, tmp_path: Path, *, idle_limit_s: float = 60) -> str:
    return installers.run(("sh", "-c", script), cwd=tmp_path, idle_limit_s=idle_limit_s, pause_s=0.05).stdout


@pytest.fixture
def once_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a program be seen to do something until it has made the file ``ready``, however slow it is."""
    steps = itertools.count()
    ready = tmp_path / "ready"
    monkeypatch.setattr(installers, "activity", lambda pid: (0 if ready.exists() else next(steps), 0))


def test_one_that_ends_is_waited_for(tmp_path: Path) -> None:
    assert run("echo done", tmp_path) == "done\n"


@pytest.mark.usefixtures("once_ready")
def test_one_that_does_nothing_is_killed(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed) as caught:
        run(f"echo $$ > pid; {NEVER_ENDS}", tmp_path, idle_limit_s=0.3)
    assert caught.value.timed_out
    assert "did nothing for 0.3 s and was killed" in caught.value.message
    assert caught.value.stdout.endswith("Downloading big\n")
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_one_that_does_something_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(pid: int) -> installers.Activity:
        looked.append(pid)
        if len(looked) == 10:
            (tmp_path / "enough").touch()
        return len(looked), 0

    monkeypatch.setattr(installers, "activity", look)
    script = "until [ -e enough ]; do sleep 0.05; done; echo done"
    assert run(script, tmp_path, idle_limit_s=0.3) == "done\n"


@pytest.mark.skipif(sys.platform != "linux", reason="what a process wrote is known on Linux")
@pytest.mark.parametrize("is_namespaced", [False, pytest.param(True, marks=needs_root)])
def test_what_children_write_is_activity_also_of_a_thread_and_in_a_pid_namespace(
    tmp_path: Path, is_namespaced: bool
) -> None:
    words = ("unshare", "--pid", "--fork", "--kill-child") if is_namespaced else ()
    script = "import test_installers as own, sys; own.print_activity(sys.argv[1])"
    folder = str(Path(__file__).parent)
    done = subprocess.run(
        [*words, sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((folder, *sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    before, after = map(int, done.stdout.split())
    assert after >= before + 100_000


def print_activity(folder: str) -> None:
    """Print the bytes that a child of a child had written before and after it wrote 100,000."""
    script = "(echo; read line; head -c 100000 /dev/zero; echo; read line); true"

    def observe() -> None:
        process = programs.start_group(
            ("sh", "-c", script), cwd=Path(folder), input=programs.PIPE, output=programs.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.read(1)
        print(installers.activity(process.pid)[0])
        process.stdin.write(b"x\n")
        process.stdin.flush()
        process.stdout.read(100_001)
        print(installers.activity(process.pid)[0])
        programs.end_group(process)

    thread = threading.Thread(target=observe)
    thread.start()
    thread.join()


@pytest.mark.usefixtures("once_ready")
def test_uv_that_hangs_says_what_it_last_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "uv"
    program.write_text(f"#!/bin/sh\n{NEVER_ENDS}\n")
    program.chmod(0o755)
    monkeypatch.setattr(uv, "program", lambda: str(program))
    real = installers.run
    monkeypatch.setattr(
        installers, "run", lambda argv, **options: real(argv, **options, idle_limit_s=0.3, pause_s=0.05)
    )
    with pytest.raises(BuildFailed) as caught:
        uv.call("pip", "install", cwd=tmp_path, lock=tmp_path / "requirements.txt")
    assert caught.value.message == (
        f"uv could not install {tmp_path}/requirements.txt: it did nothing for 0.3 s and was killed; "
        "the last that it said:\nResolved 5 packages\nDownloading big"
    )
