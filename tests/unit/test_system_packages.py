"""Programs that an image installs from packages and that its script calls."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.engines.local import runnable, stand_ins
from stack.environments import interpreters, system_packages
from stack.environments.system_packages import PackageProgram
from stack.errors import NotRunnable
from stack.model import Build, Service, Stack
from stack.plan import plan
from stack.plan.image_config import BuildCommand

DOCKERFILE = """
FROM python:3.13
RUN apt-get update && apt-get install -y --no-install-recommends jq ffmpeg=7.* \\
    && rm -rf /var/lib/apt/lists/*
COPY start.sh /start.sh
ENTRYPOINT ["/start.sh"]
"""


@pytest.mark.parametrize(
    ("script", "is_called"),
    [
        ("while ! nc -z db 5432; do sleep 1; done", True),
        ("until nc -z db 5432\ndo sleep 1; done", True),
        ('if [ -n "$A" ]; then nc -z db 1; fi', True),
        ("test $(nc -z db 1; echo $?) = 0 && exec web", True),
        ("# nc -z db 1", False),
        ('echo "no nc here"; sync; rsync nc', False),
    ],
)
def test_a_program_is_called_where_a_command_begins(script: str, is_called: bool) -> None:
    assert system_packages.calls(script, "nc") is is_called


def test_packages_of_each_system_have_their_programs() -> None:
    text = "apk add --no-cache curl bind-tools>9 gcc; apt install -y netcat && dnf install -y make"
    found = system_packages.installed([BuildCommand(text=text, working_dir="/")])
    assert {each.name for each in found} == {
        "curl",
        "dig",
        "nslookup",
        "host",
        "nc",
        "netcat",
        "ncat",
        "make",
    }


def require(folder: Path, script: str) -> None:
    (folder / "start.sh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "start.sh").chmod(0o755)
    service = Service(name="web", build=Build(context=folder, dockerfile_text=DOCKERFILE))
    stack = Stack(name="shop", files=(), directory=folder, services={"web": service})
    made = plan.make(stack, name="shop", engine="local", services=stack.services, ports={}, folders={})
    runnable.require_runnable(made)


def test_a_program_that_the_script_calls_and_that_is_not_here_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreters, "choose", lambda name, wish, say=None: interpreters.running())
    monkeypatch.setenv("PATH", str(tmp_path))
    require(tmp_path, "exec serve")
    with pytest.raises(NotRunnable) as caught:
        require(tmp_path, "ffmpeg -i a b")
    assert caught.value.message == (
        "services.web: its script calls ffmpeg, which its image has (package ffmpeg=7.*) "
        "and this machine does not."
    )


def test_the_command_itself_may_be_such_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "choose", lambda name, wish, say=None: interpreters.running())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(f"{__name__}.DOCKERFILE", f'{DOCKERFILE}ENTRYPOINT ["/usr/bin/ffmpeg", "-i"]\n')
    with pytest.raises(NotRunnable) as caught:
        require(tmp_path, "exit")
    assert caught.value.message.startswith("services.web: its command calls ffmpeg, which its image has")


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def run(script: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((os.defpath, str(stand_ins.FOLDER)))
    return subprocess.run(
        ["sh", "-c", script], env={"PATH": path}, capture_output=True, text=True, timeout=30
    )


def test_scripts_that_wait_for_a_port_run_without_netcat_and_wait_for_it(port: int) -> None:
    folder = str(stand_ins.FOLDER)
    assert run(f"{folder}/nc -z 127.0.0.1 {port}").returncode == 0
    assert run(f"{folder}/nc -vz -w 2 localhost {port}").returncode == 0
    assert run(f"{folder}/nc -z 127.0.0.1 1").returncode == 1
    assert "only -z" in run(f"{folder}/nc -l 80").stderr
    done = run(f"{folder}/wait-for-it 127.0.0.1:{port} -t 5 -- echo up")
    assert (done.returncode, done.stdout) == (0, "up\n")
    done = run(f"{folder}/wait-for-it -h 127.0.0.1 -p 1 -t 0.2 --strict -- echo up")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    "words",
    [
        "tini --",
        "tini -g -vv -s -e 143 -p SIGTERM --",
        "dumb-init",
        "dumb-init -c --rewrite 15:2 --",
        "gosu app",
        "su-exec nobody:nobody",
    ],
)
def test_a_command_runs_behind_a_program_that_only_starts_it(words: str) -> None:
    done = run(f"{stand_ins.STARTERS}/{words} sh -c 'echo $# $1' sh 'a b'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 a b\n", "")


def test_a_program_that_starts_another_one_says_that_there_is_none() -> None:
    assert run(f"{stand_ins.STARTERS}/tini -s --").stderr == "tini: no command\n"
    assert "only `gosu USER COMMAND`" in run(f"{stand_ins.STARTERS}/gosu --version").stderr


def test_a_script_may_change_the_user_of_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "choose", lambda name, wish, say=None: interpreters.running())
    monkeypatch.setattr(
        system_packages, "installed", lambda commands: [PackageProgram(name="gosu", package="gosu")]
    )
    require(tmp_path, 'exec gosu app "$@"')
