"""Ports that are taken: who holds one is named."""

from __future__ import annotations

import os
import socket

import pytest

from faults.tree import Tree, events_of
from stack.errors import PortTaken
from stack.health import verdicts
from unprotected.protection import Cut, protected_by

LIFECYCLE = "stack/guardian/lifecycle.py"
SERVICE_LOGS = "stack/records/service_logs.py"


NEEDED = {"depends_on": {"db": {"condition": "service_healthy"}}}


@protected_by(
    "a look at the port before the start, and again after the end: both are out",
    Cut(LIFECYCLE, "if not ports.is_free(port):", "if False:"),
)
def test_a_port_that_another_process_holds_is_named_with_its_holder(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is free when it is leased, and taken before the service starts."""
    tree.write({"db": "waits_for_a_file", "web": "well"}, web=NEEDED)
    launched = tree.launch()
    port = tree.port("web")
    with socket.create_server(("127.0.0.1", port)):
        (tree.folder / "go").touch()
        events = list(events_of(launched))
    event = next(e for e in events if e.service == "web" and e.state in verdicts.BAD)
    assert event.state == "port taken"
    assert f"port {port} is held by pid {os.getpid()}" in event.text


def test_a_fixed_port_that_is_taken_is_an_error_with_its_holder(tree: Tree) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tree.write({"db": "well"}, db={"ports": ["127.0.0.1:${DB_PORT:-20000}:8000"]})
        (tree.folder / ".env.local").write_text(f"DB_PORT={port}\n")
        outcome = tree.hold()
    (error,) = [event for event in outcome.events if event.kind == "error"]
    assert error.code == PortTaken.code
    assert f"pid {os.getpid()}" in error.text


@protected_by(
    "its last lines are the evidence",
    Cut(
        SERVICE_LOGS, 'self._tail.extend(line.decode(errors="replace").rstrip("\\r") for line in lines[-20:])'
    ),
)
def test_a_port_bound_twice_is_the_service_s_own_failure(tree: Tree) -> None:
    tree.write({"db": "binds_a_taken_port"})
    event = tree.hold().event("db", "exited")
    assert "Address already in use" in event.evidence
