"""Every line of the users' document works, typed in order."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from plain_compose import lines
from plain_compose.conftest import docker, names_in_use
from plain_compose.lines import Line
from plain_compose.shell import Shell

FAILING = (
    "import http.server as h;"
    "H = type('H', (h.BaseHTTPRequestHandler,), {'do_GET': lambda self: self.send_error(500)});"
    "h.HTTPServer(('', 8000), H).serve_forever()"
)


@pytest.fixture
def failing_backend(shell: Shell) -> Iterator[None]:
    """A network with the CI stack's name, in which ``backend`` answers every request with 500."""
    docker("network", "create", "ecommerce-ci-network")
    options = ["--detach", "--network", "ecommerce-ci-network", "--network-alias", "backend"]
    name = "ecommerce-ci-failing-backend"
    docker("run", *options, "--name", name, "python:3.13-slim", "python3", "-c", FAILING)
    command = [
        "exec",
        name,
        "python3",
        "-c",
        "import socket; socket.create_connection(('localhost', 8000), 1)",
    ]
    while subprocess.run(["docker", *command], capture_output=True).returncode:
        assert docker("ps", "--quiet", "--filter", f"name={name}"), "it ended"
    yield
    docker("rm", "--force", name)
    docker("network", "rm", "ecommerce-ci-network")


def follow(shell: Shell, document: tuple[Line, ...]) -> None:
    """Type the lines in order and compare the output of each."""
    for line in document:
        printed = shell.type(line)
        assert printed.code == line.code, f"$ {line.text}\n{printed.everything}"
        if line.exactly is not None:
            assert printed.out == line.exactly, f"$ {line.text}"
        for pattern in line.prints:
            match = re.search(shell.pattern(pattern), printed.everything, re.MULTILINE)
            assert match, f"$ {line.text}\nprints no {pattern!r}:\n{printed.everything}"


def test_the_ci_stack_is_tested_from_the_host(shell: Shell) -> None:
    follow(shell, lines.FROM_THE_HOST)
    assert names_in_use() == []


def test_the_ci_stack_is_tested_from_within_a_container(shell: Shell) -> None:
    follow(shell, lines.FROM_WITHIN)
    assert names_in_use() == []


def test_a_failing_backend_is_reported_as_the_document_shows(shell: Shell, failing_backend: None) -> None:
    failure = lines.script("test_health_endpoints.sh", exactly=lines.FAILURE_OUTPUT, code=1)
    follow(shell, (failure,))


def test_the_local_stack_starts_keeps_its_data_and_is_repaired(shell: Shell) -> None:
    follow(shell, lines.QUICK_START)
    follow(shell, lines.DATA)
    follow(shell, lines.TROUBLE)
    assert names_in_use() == []
