from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time

import pytest

from stack.plan.scripts import SHELLS
from stack.system import kernel, processes, programs


def test_a_process_is_known_by_its_pid_and_its_start() -> None:
    since = processes.started(os.getpid())
    assert since is not None
    assert processes.is_alive(os.getpid(), since)
    assert not processes.is_alive(os.getpid(), since - 60)
    assert not processes.is_alive(0, since)


def test_a_zombie_does_not_live() -> None:
    child = programs.spawn(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.started(child.pid) is None
    child.wait()


def test_the_processes_of_a_stack_are_found_by_their_token_and_ended() -> None:
    token = secrets.token_hex(8)
    ours = programs.spawn(["sleep", "60"], env={**os.environ, processes.TOKEN: token}, own_session=True)
    other = programs.spawn(["sleep", "60"], own_session=True)
    try:
        assert processes.with_token(token) == [ours.pid]
        processes.end_processes(processes.with_token(token))
        assert programs.ends_within(ours, 5)
        assert other.poll() is None
    finally:
        for child in (ours, other):
            child.kill()
            child.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process becomes the guardian's child")
def test_what_left_the_group_of_a_service_is_killed_with_it() -> None:
    def started(service: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, processes.SERVICE: service}
        return programs.spawn(["sleep", "60"], env=environment, own_session=True)

    own, other = started("web"), started("web-2")
    try:
        processes.kill_children_of("web")
        assert own.poll() == -signal.SIGKILL
        assert other.poll() is None
    finally:
        own.kill()
        other.kill()
        own.wait()
        other.wait()


def test_one_that_ignores_the_request_is_killed() -> None:
    stubborn = programs.spawn(["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"], own_session=True)
    time.sleep(0.1)
    began = time.monotonic()
    processes.end_processes([stubborn.pid], grace_s=0.1)
    assert processes.started(stubborn.pid) is None
    assert time.monotonic() - began >= 0.1
    stubborn.wait()


def test_ending_what_is_gone_already_is_no_error() -> None:
    child = programs.spawn(["true"])
    child.wait()
    processes.end_processes([child.pid])


def test_a_namespace_is_not_used_where_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_NAMESPACE", "0")
    assert kernel.namespace_prefix() == ()


def test_the_ports_of_a_process_and_its_descendants_are_found() -> None:
    server = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); "
    server += "print(s.getsockname()[1], flush=True)"
    script = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {server + '; time.sleep(60)'!r}])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        try:
            assert parent.stdout is not None
            port = int(parent.stdout.readline())
            assert processes.listening(parent.pid) == {port}
            assert processes.listening(os.getpid()) >= {port}
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def test_the_ports_of_a_process_are_found_while_it_closes_other_files() -> None:
    """Its list of files names the one by which this process itself reads the list: it is closed by then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[1] in processes.listening(os.getpid())


FORKS = "import os, time\nif os.fork() == 0:\n    time.sleep(60)\nos.wait()"
SPAWNS = """
import multiprocessing, time
context = multiprocessing.get_context("spawn")
with context.Pool(1) as pool:
    time.sleep(60)
"""
STARTS_PYTHON = (
    "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
)
STARTS_A_COMMAND = "import subprocess\nsubprocess.run(['sleep', '60'])"


@pytest.mark.skipif(sys.platform != "linux", reason="the programs of processes are read in /proc")
@pytest.mark.parametrize(
    ("argv", "has_worker"),
    [
        ((sys.executable, "-c", FORKS), True),
        ((sys.executable, "-c", SPAWNS), True),
        ((sys.executable, "-c", STARTS_A_COMMAND), False),
        ((sys.executable, "-c", STARTS_PYTHON), False),
        (("sh", "-c", "(sleep 60; true); true"), False),
        (("bash", "-c", "while true; do (sleep 60; true); done"), False),
    ],
)
def test_workers_run_the_program_of_their_parent_and_a_script_has_none(
    argv: tuple[str, ...], has_worker: bool
) -> None:
    process = subprocess.Popen(argv, start_new_session=True)

    def are_told() -> bool:
        expected = processes.children(process.pid) if has_worker else []
        return processes.workers(process.pid, shells=SHELLS) == expected

    try:
        deadline = time.monotonic() + 20
        while not processes.children(process.pid) and time.monotonic() < deadline:
            time.sleep(0.005)
        while not (is_told := are_told()) and time.monotonic() < deadline:
            time.sleep(0.005)  # between fork and exec, and while more of them come
        assert processes.children(process.pid)
        assert is_told
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_processor_time_is_that_of_ended_children_too() -> None:
    before = processes.processor_s(os.getpid())
    subprocess.run([sys.executable, "-c", "sum(range(10_000_000))"], check=True)
    assert processes.processor_s(os.getpid()) > before
    assert processes.processor_s(2**30) == 0.0
