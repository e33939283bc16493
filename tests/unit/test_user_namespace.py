"""An ordinary user's commands enter the namespaces of a service, also after their process has joined them."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from stack.system import network_namespace

ORDINARY = 65534
SERVICE = ("unshare", "--user", "--map-current-user", "--net", "--mount", "sleep", "60")
ENTERED, REFUSED, NOT_ALLOWED = 0, 1, 2


def network_of_command(pid: int) -> str:
    """Return the network that a command beside the process ``pid`` has; empty where it cannot enter it."""
    words = (*network_namespace.nsenter_beside(pid), "readlink", "/proc/self/ns/net")
    return subprocess.run(words, capture_output=True, text=True).stdout


def enter_twice() -> int:
    """Enter a service's network by a command, join its user namespace, and enter it by a command again."""
    service = subprocess.Popen(SERVICE, stderr=subprocess.DEVNULL)
    try:
        while (command := Path(f"/proc/{service.pid}/comm").read_text().strip()) in {"python", "unshare"}:
            if service.poll() is not None:
                return NOT_ALLOWED
            time.sleep(0.01)
        before = network_of_command(service.pid)
        network_namespace.join_user_namespace(service.pid)
        after = network_of_command(service.pid)
        return ENTERED if command == "sleep" and before == after != "" else REFUSED
    finally:
        service.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another account")
def test_a_command_enters_after_its_process_has_joined_the_user_namespace() -> None:
    child = os.fork()
    if child == 0:
        code = REFUSED
        try:
            os.setgroups([])
            os.setgid(ORDINARY)
            os.setuid(ORDINARY)
            code = enter_twice()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == NOT_ALLOWED:
        pytest.skip("an ordinary user has no namespaces here")
    assert code == ENTERED


def test_root_needs_no_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    words = network_namespace.nsenter_beside(os.getpid())
    assert words == ("nsenter", "--target", str(os.getpid()), "--net", "--mount", "--")
