"""What the shell scripts say, to the letter, of a stack that is well and of one that is not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shell_scripts import run
from shop import address

HEALTH = Path(__file__).with_name("test_health_endpoints.sh")
CONNECTIVITY = Path(__file__).with_name("test_service_connectivity.sh")

ALL_IS_WELL = """\
=== Testing Health Endpoints ===

Testing backend health endpoint...
✅ Backend health endpoint returned HTTP 200
Testing API Gateway health endpoint...
✅ API Gateway health endpoint returned HTTP 200

🎉 All health endpoints are responding correctly!
"""
BACKEND_FAILS = """\
=== Testing Health Endpoints ===

Testing backend health endpoint...
❌ Backend health check failed! HTTP {status}
"""
GATEWAY_FAILS = """\
=== Testing Health Endpoints ===

Testing backend health endpoint...
✅ Backend health endpoint returned HTTP 200
Testing API Gateway health endpoint...
❌ API Gateway health check failed! HTTP 500
"""


class Ailing(BaseHTTPRequestHandler):
    """Return 500 to everything."""

    def do_GET(self) -> None:
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def ailing() -> Iterator[str]:
    """The address of a service that answers 500."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Ailing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def nobody() -> str:
    """An address where nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_health_script_on_a_stack_that_is_well() -> None:
    ended = run(HEALTH)
    assert (ended.stdout, ended.returncode) == (ALL_IS_WELL, 0)


def test_health_script_takes_an_address_with_a_slash_at_its_end() -> None:
    assert run(HEALTH, BACKEND_URL=address("BACKEND_URL") + "/").returncode == 0


def test_health_script_stops_at_a_backend_that_fails(ailing: str) -> None:
    ended = run(HEALTH, BACKEND_URL=ailing)
    assert (ended.stdout, ended.returncode) == (BACKEND_FAILS.format(status=500), 1)


def test_health_script_stops_at_a_backend_that_is_not_there(nobody: str) -> None:
    ended = run(HEALTH, BACKEND_URL=nobody, WAIT_S="0")
    assert (ended.stdout, ended.returncode) == (BACKEND_FAILS.format(status="000"), 1)


def test_health_script_stops_at_a_gateway_that_fails(ailing: str) -> None:
    ended = run(HEALTH, GATEWAY_URL=ailing)
    assert (ended.stdout, ended.returncode) == (GATEWAY_FAILS, 1)


def test_connectivity_script_on_a_stack_that_is_well() -> None:
    ended = run(CONNECTIVITY)
    assert ended.returncode == 0
    assert ended.stdout.count("✅") == 4
    assert ended.stdout.endswith("🎉 All services reach each other!\n")


def test_connectivity_script_warns_and_does_not_block(ailing: str, nobody: str) -> None:
    ended = run(CONNECTIVITY, BACKEND_URL=nobody, GATEWAY_URL=ailing)
    assert ended.returncode == 0
    assert ended.stdout.count("⚠️") == 5
    assert f"nobody answers at {nobody}/health/" in ended.stdout
    assert "unexpected HTTP 500" in ended.stdout


def test_connectivity_script_skips_what_is_not_there() -> None:
    """The backend has no /health/ready without its slash, nor /health: redirects, not failures."""
    ended = run(CONNECTIVITY, GATEWAY_URL=f"{address('GATEWAY_URL')}/there-is-no-such-prefix")
    assert ended.returncode == 0
    assert ended.stdout.count("(HTTP 404), skipped") == 3


@pytest.mark.parametrize("script", [HEALTH, CONNECTIVITY])
def test_scripts_can_be_executed(script: Path) -> None:
    assert script.stat().st_mode & 0o111 == 0o111
