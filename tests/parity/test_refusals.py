"""Refusals of a container engine: one sentence, an exit code of its own, nothing left behind."""

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
from parity.case import compose_file, toy
from parity.conftest import MakeStack
from parity.toy_stack import CommandResult, ToyStack, containers_of
from stack.records import state
from stack.system import processes
from stack.system.directories import ROOT

UNKNOWN_IMAGE = "example/no-such-image:1"


@pytest.fixture
def stack(make_stack: MakeStack) -> ToyStack:
    """A stack of one toy on Docker."""
    stack = make_stack("docker")
    stack.write(compose_file({"web": toy()}))
    return stack


def error(answer: CommandResult) -> str:
    """Return the one error sentence of a command; fail on a traceback."""
    assert "Traceback" not in answer.out + answer.err
    assert answer.err.count("error: ") == 1, answer.err
    return answer.err.partition("error: ")[2]


def build(stack: ToyStack, dockerfile: str) -> CommandResult:
    """Bring up a service that is built from ``dockerfile``."""
    stack.write(dockerfile, name="image/Dockerfile")
    stack.write(compose_file({"web": toy(build="../image", image=f"parity-made:{secrets.token_hex(4)}")}))
    return stack.up()


def test_a_daemon_that_is_absent(make_stack: MakeStack, tmp_path: Path) -> None:
    stack = make_stack("docker", variables={"DOCKER_HOST": f"unix://{tmp_path}/no-daemon.sock"})
    stack.write(compose_file({"web": toy()}))
    answer = stack.up()
    assert answer.code == 16
    assert "docker cannot be used: no daemon answers" in error(answer)
    assert stack.leftovers() == "nothing"


def test_a_daemon_that_is_too_old(make_stack: MakeStack) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        old_daemon.listening(Path(folder) / "old.sock") as address,
    ):
        stack = make_stack("docker", variables={"DOCKER_HOST": address})
        stack.write(compose_file({"web": toy()}))
        answer = stack.up()
    assert answer.code == 16
    assert "API is 1.41, healthcheck start_interval needs 1.44 (Engine 25)" in error(answer)
    assert stack.leftovers() == "nothing"


def test_a_socket_that_may_not_be_used(make_stack: MakeStack, tmp_path: Path) -> None:
    become = (
        "setpriv --reuid=65534 --regid=65534 --clear-groups" if os.geteuid() == 0 else "sudo -n -u nobody"
    )
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexport HOME=/\nexec {become} {shutil.which("docker")} "$@"\n')
    program.chmod(0o755)
    stack = make_stack("docker", variables={"PATH": f"{program.parent}:{os.environ['PATH']}"})
    stack.write(compose_file({"web": toy()}))
    answer = stack.up()
    assert answer.code == 16
    assert "docker cannot be used: you may not use its socket" in error(answer)
    assert stack.leftovers() == "nothing"


def test_an_image_that_no_registry_gives(stack: ToyStack) -> None:
    stack.write(compose_file({"web": toy(image=UNKNOWN_IMAGE)}))
    answer = stack.up()
    assert answer.code == 30
    assert f"What is not here cannot be pulled: {UNKNOWN_IMAGE}" in error(answer)
    assert "nox -s base-images" in error(answer)
    assert stack.leftovers() == "nothing"


def test_a_base_image_that_no_registry_gives(stack: ToyStack) -> None:
    answer = build(stack, f"FROM {UNKNOWN_IMAGE}\n")
    assert answer.code == 30
    assert UNKNOWN_IMAGE in error(answer)
    assert stack.leftovers() == "nothing"


def test_a_build_that_fails(stack: ToyStack) -> None:
    answer = build(stack, "FROM python:3.13-slim\nRUN echo it cannot be; exit 4\n")
    assert answer.code == 22
    assert "The image of web cannot be built" in error(answer)
    assert "exit code: 4" in error(answer)
    assert stack.leftovers() == "nothing"


def test_a_build_with_no_room_left(stack: ToyStack) -> None:
    fill = "RUN --mount=type=tmpfs,target=/small,size=1048576 dd if=/dev/zero of=/small/file bs=1M count=4"
    answer = build(stack, f"FROM python:3.13-slim\n{fill}\n")
    assert answer.code == 21
    assert "No room is left where docker keeps its data" in error(answer)
    assert stack.leftovers() == "nothing"


@pytest.fixture
def strangers(stack: ToyStack) -> Iterator[str]:
    """The first part of names that the stack needs; what carries them is removed afterwards."""
    yield stack.name
    for entry in containers_of("docker", stack.name):
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
def test_a_name_that_is_in_use(
    stack: ToyStack, strangers: str, kind: str, suffix: str, creation: list[str]
) -> None:
    name = f"{strangers}{suffix}"
    stack.write(compose_file({"web": toy(volumes=["data:/data"])}, volumes={"data": {}}))
    options = ["--name", name, *creation[1:3]] if kind == "container" else [creation[1], name]
    subprocess.run(["docker", creation[0], *options], check=True, capture_output=True)
    answer = stack.up()
    assert answer.code == 27
    assert f"The {kind} {name} exists already and was not made by this project." in error(answer)
    assert stack.leftovers() == f"{kind} {name}"


def kill(stack: ToyStack, command: subprocess.Popen[bytes]) -> None:
    """Kill the command and its guardian, as a crash of the machine's user session would."""
    os.environ["STACK_HOME"], before = str(stack.home), os.environ.get("STACK_HOME")
    try:
        saved = state.read(stack.name)
    finally:
        os.environ.pop("STACK_HOME")
        if before is not None:
            os.environ["STACK_HOME"] = before
    assert saved is not None
    command.kill()
    command.wait()
    os.kill(saved.pid, signal.SIGKILL)


def started(stack: ToyStack) -> subprocess.Popen[bytes]:
    """Type `up` and do not wait."""
    return subprocess.Popen(
        stack.argv("up"),
        env=stack.environment(),
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


def test_killed_in_the_middle_of_a_build(stack: ToyStack) -> None:
    seconds = f"30{secrets.randbelow(10**6):06}"
    stack.write(f"FROM python:3.13-slim\nRUN sleep {seconds}\n", name="image/Dockerfile")
    stack.write(compose_file({"web": toy(build="../image", image=f"parity-made:{secrets.token_hex(4)}")}))
    command = started(stack)
    assert stack.wait(lambda: running(seconds))
    kill(stack, command)
    ended = stack.run("ps")
    assert f"cleaned up after {stack.name}, whose guardian was killed" in ended.out + ended.err
    assert stack.leftovers() == "nothing"
    assert stack.wait(lambda: not running(seconds))


def test_killed_in_the_middle_of_up(stack: ToyStack) -> None:
    stack.write(compose_file({"web": toy(environment={"FAILS_S": "60"})}))
    command = started(stack)
    assert stack.wait(lambda: "container" in stack.leftovers() and stack.history("web") == "starting")
    kill(stack, command)
    ended = stack.run("ps")
    assert f"cleaned up after {stack.name}, whose guardian was killed" in ended.out + ended.err
    assert stack.leftovers() == "nothing"


def test_interrupted_in_the_middle_of_up(stack: ToyStack) -> None:
    stack.write(compose_file({"web": toy(environment={"FAILS_S": "60"})}))
    command = started(stack)
    assert stack.wait(lambda: "container" in stack.leftovers() and stack.history("web") == "starting")
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=30) == 130
    assert stack.leftovers() == "nothing"
    assert processes.with_token(stack.token() or "?") == []
