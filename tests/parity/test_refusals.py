"""What a container engine refuses: one clear sentence, an exit code of its own, nothing of ours left."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from parity import old_daemon
from parity.case import described, toy
from parity.conftest import MakeStage
from parity.stage import Answer, Stage, containers_left
from stack.records import state
from stack.system import processes
from stack.system.directories import ROOT

NOBODYS = "nobody/has-this:1"


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    """A stack of one toy on Docker."""
    made = make_stage("docker")
    made.write(described({"web": toy()}))
    return made


def error(answer: Answer) -> str:
    """Return the sentence in which a command says what went wrong; no traceback is one."""
    assert "Traceback" not in answer.out + answer.err
    assert answer.err.count("error: ") == 1, answer.err
    return answer.err.partition("error: ")[2]


def build(stage: Stage, dockerfile: str) -> Answer:
    """Bring up a service that is built from ``dockerfile``."""
    stage.write(dockerfile, name="made/Dockerfile")
    stage.write(described({"web": toy(build="../made", image=f"parity-made:{secrets.token_hex(4)}")}))
    return stage.up()


def test_a_daemon_that_is_absent(make_stage: MakeStage, tmp_path: Path) -> None:
    stage = make_stage("docker", variables={"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"})
    stage.write(described({"web": toy()}))
    answer = stage.up()
    assert answer.code == 16
    assert "docker cannot be used: no daemon answers" in error(answer)
    assert stage.left() == "nothing"


def test_a_daemon_that_is_too_old(make_stage: MakeStage) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        old_daemon.listening(Path(folder) / "old.sock") as address,
    ):
        stage = make_stage("docker", variables={"DOCKER_HOST": address})
        stage.write(described({"web": toy()}))
        answer = stage.up()
    assert answer.code == 16
    assert "API is 1.41, healthcheck start_interval needs 1.44 (Engine 25)" in error(answer)
    assert stage.left() == "nothing"


def test_a_socket_that_may_not_be_used(make_stage: MakeStage, tmp_path: Path) -> None:
    become = (
        "setpriv --reuid=65534 --regid=65534 --clear-groups" if os.geteuid() == 0 else "sudo -n -u nobody"
    )
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexport HOME=/\nexec {become} {shutil.which("docker")} "$@"\n')
    program.chmod(0o755)
    stage = make_stage("docker", variables={"PATH": f"{program.parent}:{os.environ['PATH']}"})
    stage.write(described({"web": toy()}))
    answer = stage.up()
    assert answer.code == 16
    assert "docker cannot be used: you may not use its socket" in error(answer)
    assert stage.left() == "nothing"


def test_an_image_that_no_registry_gives(stage: Stage) -> None:
    stage.write(described({"web": toy(image=NOBODYS)}))
    answer = stage.up()
    assert answer.code == 30
    assert f"What is not here cannot be pulled: {NOBODYS}" in error(answer)
    assert "nox -s base-images" in error(answer)
    assert stage.left() == "nothing"


def test_a_base_image_that_no_registry_gives(stage: Stage) -> None:
    answer = build(stage, f"FROM {NOBODYS}\n")
    assert answer.code == 30
    assert NOBODYS in error(answer)
    assert stage.left() == "nothing"


def test_a_build_that_fails(stage: Stage) -> None:
    answer = build(stage, "FROM python:3.13-slim\nRUN echo it cannot be; exit 4\n")
    assert answer.code == 22
    assert "The image of web cannot be built" in error(answer)
    assert "exit code: 4" in error(answer)
    assert stage.left() == "nothing"


def test_a_build_with_no_room_left(stage: Stage) -> None:
    fill = "RUN --mount=type=tmpfs,target=/small,size=1048576 dd if=/dev/zero of=/small/file bs=1M count=4"
    answer = build(stage, f"FROM python:3.13-slim\n{fill}\n")
    assert answer.code == 21
    assert "No room is left where docker keeps its data" in error(answer)
    assert stage.left() == "nothing"


@pytest.fixture
def strangers(stage: Stage) -> Iterator[str]:
    """The first part of names that the stack needs; what carries them is removed afterwards."""
    yield stage.name
    for entry in containers_left("docker", stage.name):
        kind, _, name = entry.partition(" ")
        subprocess.run(["docker", kind, "rm", name], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("kind", "suffix", "creation"),
    [
        ("network", "-default", ["network", "create"]),
        ("volume", "-data", ["volume", "create"]),
        ("container", "-web-1", ["create", "python:3.13-slim", "true", "--name"]),
    ],
)
def test_a_name_that_belongs_to_somebody_else(
    stage: Stage, strangers: str, kind: str, suffix: str, creation: list[str]
) -> None:
    name = f"{strangers}{suffix}"
    stage.write(described({"web": toy(volumes=["data:/data"])}, volumes={"data": {}}))
    options = ["--name", name, *creation[1:3]] if kind == "container" else [creation[1], name]
    subprocess.run(["docker", creation[0], *options], check=True, capture_output=True)
    answer = stage.up()
    assert answer.code == 27
    assert f"The {kind} {name} is there already and belongs to somebody else." in error(answer)
    assert stage.left() == f"{kind} {name}"


def kill(stage: Stage, command: subprocess.Popen[bytes]) -> None:
    """Kill the command and its guardian, as a crash of the machine's user session would."""
    os.environ["STACK_HOME"], before = str(stage.home), os.environ.get("STACK_HOME")
    try:
        kept = state.read(stage.name)
    finally:
        os.environ.pop("STACK_HOME")
        if before is not None:
            os.environ["STACK_HOME"] = before
    assert kept is not None
    command.kill()
    command.wait()
    os.kill(kept.pid, signal.SIGKILL)


def started(stage: Stage) -> subprocess.Popen[bytes]:
    """Type `up` and do not wait."""
    return subprocess.Popen(
        stage.argv("up"),
        env=stage.environment(),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def running(argument: str) -> bool:
    """Return whether a process of this machine, in a container or not, has the argument."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"sleep") and argument.encode() in words:
            return True
    return False


def test_killed_in_the_middle_of_a_build(stage: Stage) -> None:
    seconds = f"30{secrets.randbelow(10**6):06}"
    stage.write(f"FROM python:3.13-slim\nRUN sleep {seconds}\n", name="made/Dockerfile")
    stage.write(described({"web": toy(build="../made", image=f"parity-made:{secrets.token_hex(4)}")}))
    command = started(stage)
    assert stage.wait(lambda: running(seconds))
    kill(stage, command)
    assert f"cleaned up after {stage.name}, whose guardian was killed" in stage.run("ps").out
    assert stage.left() == "nothing"
    assert stage.wait(lambda: not running(seconds))


def test_killed_in_the_middle_of_up(stage: Stage) -> None:
    stage.write(described({"web": toy(environment={"FAILS_S": "60"})}))
    command = started(stage)
    assert stage.wait(lambda: "container" in stage.left() and stage.story("web") == "starting")
    kill(stage, command)
    assert f"cleaned up after {stage.name}, whose guardian was killed" in stage.run("ps").out
    assert stage.left() == "nothing"


def test_interrupted_in_the_middle_of_up(stage: Stage) -> None:
    stage.write(described({"web": toy(environment={"FAILS_S": "60"})}))
    command = started(stage)
    assert stage.wait(lambda: "container" in stage.left() and stage.story("web") == "starting")
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=30) == 130
    assert stage.left() == "nothing"
    assert processes.with_token(stage.token() or "?") == []
