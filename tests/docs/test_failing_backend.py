"""The failure that the page for users shows: a backend that answers 500 (needs a Docker Engine)."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from docs.comparison import difference
from docs.conftest import docker
from stack.system.directories import ROOT

NETWORK, NAME = "ecommerce-ci-network", "ecommerce-ci-failing-backend"
FAILING = (
    "import http.server as h;"
    "H = type('H', (h.BaseHTTPRequestHandler,), {'do_GET': lambda self: self.send_error(500)});"
    "h.HTTPServer(('', 8000), H).serve_forever()"
)
PAGE = ROOT / "docs" / "integration-environment.md"
SCRIPT = "/tests/test_health_endpoints.sh"
FAILURE = re.compile(r"```\n(=== Testing Health Endpoints ===\n[^`]*❌[^`]*)```")


@pytest.fixture
def failing_backend() -> Iterator[None]:
    """A network with the CI stack's name, in which ``backend`` answers every request with 500."""
    docker("network", "create", NETWORK)
    options = ["--detach", "--network", NETWORK, "--network-alias", "backend", "--name", NAME]
    docker("run", *options, "python:3.13-slim", "python3", "-c", FAILING)
    probe = ["exec", NAME, "python3", "-c", "import socket; socket.create_connection(('localhost', 8000), 1)"]
    deadline = time.monotonic() + 30
    while subprocess.run(["docker", *probe], capture_output=True).returncode:
        assert time.monotonic() < deadline, "the failing backend does not listen"
    yield
    docker("rm", "--force", NAME)
    docker("network", "rm", NETWORK)


@pytest.mark.usefixtures("failing_backend")
def test_a_failing_backend_is_reported_as_the_page_shows() -> None:
    (shown,) = FAILURE.findall(PAGE.read_text(encoding="utf-8"))
    mount = f"{ROOT / 'integration_tests'}:/tests"
    command = ["docker", "run", "--network", NETWORK, "--rm", "-v", mount, "alpine/curl:latest", "sh", SCRIPT]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert difference(shown.splitlines(), process.stdout) == ""
    assert process.returncode == 1
