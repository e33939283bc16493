"""What a container engine's words are taken for; the outputs are an Engine's own."""

from __future__ import annotations

import pytest

from stack.engines.container.messages import explain
from stack.errors import (
    BuildFailed,
    CommandFailed,
    DiskFull,
    ImageMissing,
    NotRunnable,
    PortTaken,
    StackError,
)

NO_REGISTRY = """\
 a Pulling
 a Error Get "https://r.example/v2/": dial tcp: lookup r.example: no such host
Error response from daemon: Get "https://r.example/v2/": dial tcp: lookup r.example: no such host
"""
NO_BASE = (
    "ERROR: failed to solve: a/b:2: failed to resolve source metadata for example/a/b:2: failed to do request"
)
PODMAN_NO_BASE = (
    "Error: creating build container: initializing source docker://a/b:2: pinging container registry "
    'r.example: Get "https://r.example/v2/": dial tcp: lookup r.example: no such host'
)
NO_PROGRAM = """\
Error response from daemon: failed to create task: exec: "nosuch": executable file not found in $PATH
Error: failed to start containers: x-web-1
"""
NO_ROOM = "#5 0.1 dd: error writing '/small/file': No space left on device\nERROR: exit code: 1"
NO_INIT = "Error response from daemon: container create: container-init binary not found on the host: stat /x"
PORT = "Error starting userland proxy: listen tcp4 127.0.0.1:9000: bind: address already in use"
PIP = "#9 ERROR: Could not find a version: Failed to resolve 'index.example'\n#9 Connection refused"


def command_failed(command: str, output: str) -> CommandFailed:
    return CommandFailed(tuple(command.split()), "ended with 1", returncode=1, stderr=output)


def explanation_of(output: str, *, building: tuple[str, ...] = (), service: str = "web") -> StackError:
    return explain(command_failed("docker x", output), building=building, service=service)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (NO_REGISTRY, ImageMissing),
        (NO_BASE, ImageMissing),
        (NO_PROGRAM, NotRunnable),
        (NO_INIT, NotRunnable),
        (NO_ROOM, DiskFull),
        (PORT, PortTaken),
    ],
)
def test_an_output_is_taken_for_what_it_means(output: str, kind: type[StackError]) -> None:
    assert type(explanation_of(output)) is kind


def test_an_index_that_does_not_answer_is_a_failed_build_and_no_missing_image() -> None:
    assert type(explanation_of(PIP, building=("web",))) is BuildFailed


def test_the_sentence_has_the_line_that_tells_most() -> None:
    assert explanation_of(NO_PROGRAM).message.endswith('exec: "nosuch": executable file not found in $PATH')


def test_an_unknown_error_is_shown_without_the_progress_of_compose() -> None:
    error = explanation_of(
        " Network a-b  Creating\n Container a-b-1  Created\nError response from daemon: odd"
    )
    assert error.message == "`docker x` ended with 1: Error response from daemon: odd"


def test_the_images_that_are_missing_are_named() -> None:
    error = explain(command_failed("docker x", NO_REGISTRY), missing=["a/b:2", "redis:0"])
    assert error.message.startswith("What is not here cannot be pulled: a/b:2, redis:0. Error")


def test_podman_names_its_image_itself_and_is_handed_dockers() -> None:
    error = explain(command_failed("podman build", PODMAN_NO_BASE), building=["web"])
    assert error.message.startswith("What is not here cannot be pulled: a/b:2. Error")
    assert "`docker save a/b:2 | podman load`" in error.hint
