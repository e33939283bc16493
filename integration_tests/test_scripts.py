"""What the shell scripts say, to the letter, of a stack that is well and of one that is not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from shell_scripts import ScriptError, run
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


def test_health_script_on_a_stack_that_is_well() -> None:
    ended = run(HEALTH)
    assert (ended.stdout, ended.returncode) == (ALL_IS_WELL, 0)


def test_health_script_takes_an_address_with_a_slash_at_its_end() -> None:
    assert run(HEALTH, BACKEND_URL=address("BACKEND_URL") + "/").returncode == 0


def test_health_script_stops_at_a_backend_that_fails(failing_url: str) -> None:
    ended = run(HEALTH, BACKEND_URL=failing_url)
    assert (ended.stdout, ended.returncode) == (BACKEND_FAILS.format(status=500), 1)


def test_health_script_stops_at_a_backend_that_is_not_there(closed_url: str) -> None:
    ended = run(HEALTH, BACKEND_URL=closed_url, WAIT_S="0")
    assert (ended.stdout, ended.returncode) == (BACKEND_FAILS.format(status="000"), 1)


def test_health_script_stops_at_a_gateway_that_fails(failing_url: str) -> None:
    ended = run(HEALTH, GATEWAY_URL=failing_url)
    assert (ended.stdout, ended.returncode) == (GATEWAY_FAILS, 1)


def test_connectivity_script_on_a_stack_that_is_well() -> None:
    ended = run(CONNECTIVITY)
    assert ended.returncode == 0
    assert ended.stdout.count("✅") == 4
    assert ended.stdout.endswith("🎉 All services reach each other!\n")


def test_connectivity_script_warns_and_does_not_block(failing_url: str, closed_url: str) -> None:
    ended = run(CONNECTIVITY, BACKEND_URL=closed_url, GATEWAY_URL=failing_url)
    assert ended.returncode == 0
    assert ended.stdout.count("⚠️") == 5
    assert f"no server answers at {closed_url}/health/" in ended.stdout
    assert "unexpected HTTP 500" in ended.stdout


def test_connectivity_script_skips_what_is_not_there() -> None:
    """The backend has no /health/ready without its slash, nor /health: redirects, not failures."""
    ended = run(CONNECTIVITY, GATEWAY_URL=f"{address('GATEWAY_URL')}/there-is-no-such-prefix")
    assert ended.returncode == 0
    assert ended.stdout.count("(HTTP 404), skipped") == 3


@pytest.mark.parametrize("script", [HEALTH, CONNECTIVITY])
def test_scripts_can_be_executed(script: Path) -> None:
    assert script.stat().st_mode & 0o111 == 0o111


def script(folder: Path, text: bytes) -> Path:
    path = folder / "test_own.sh"
    path.write_bytes(text)
    return path


def test_a_script_may_print_any_bytes(tmp_path: Path) -> None:
    ended = run(script(tmp_path, rb"printf 'caf\351 \377\n'"))
    assert (ended.stdout, ended.returncode) == ("caf\ufffd \ufffd\n", 0)


def test_a_script_needs_no_permission_and_runs_in_the_shell_that_it_names(tmp_path: Path) -> None:
    ended = run(script(tmp_path, b"#!/usr/bin/env bash\nwords=(one two)\necho ${words[1]}\n"))
    assert (ended.stdout, ended.returncode) == ("two\n", 0)


def test_a_process_that_a_script_leaves_behind_is_ended(tmp_path: Path) -> None:
    ended = run(script(tmp_path, b"sleep 600 &\necho $!\n"), timeout_s=30)
    assert ended.returncode == 0
    wait_until_gone(int(ended.stdout))


def test_a_script_that_does_not_end_is_killed_and_says_so_in_one_line(tmp_path: Path) -> None:
    endless = script(tmp_path, b"echo waiting\nsleep 600\n")
    for limit_s in (0.3, 30):  # a busy machine may take longer than the first until something is printed
        with pytest.raises(ScriptError) as caught:
            run(endless, timeout_s=limit_s)
        if "waiting" in str(caught.value):
            break
    assert str(caught.value) == f"test_own.sh did not end within {limit_s:g} s and was killed:\nwaiting\n"


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
