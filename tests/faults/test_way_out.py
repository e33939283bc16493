"""Services with networks of their own reach other hosts, and this machine's localhost by its name."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from faults.tree import Tree
from stack.engines.local import way_out
from unprotected.protection import Cut, protected_by

NETWORK = "stack/engines/local/network.py"
OPENED = "out = await way_out.open_way_out(bridge) if way_out.is_available() else None"

pytestmark = pytest.mark.only("local")


@pytest.fixture
def server() -> Iterator[int]:
    """A server on this machine's localhost that greets who connects; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"hello from outside")

        threading.Thread(target=greet, daemon=True).start()
        yield listener.getsockname()[1]


@protected_by("the way out of the services' networks", Cut(NETWORK, OPENED, "out = None"))
def test_a_service_reaches_a_server_outside_its_stack(tree: Tree, server: int) -> None:
    assert way_out.is_available(), "this test needs slirp4netns (Debian: apt install slirp4netns)"
    variables = {"OUTSIDE_HOST": "host.docker.internal", "OUTSIDE_PORT": str(server)}
    tree.write({"web": "asks_another_host"}, web={"environment": variables})
    outcome = tree.hold()
    assert "ready" in outcome.states("web"), outcome.log("web")
    assert "hello from outside" in outcome.log("web")
    assert not [event for event in outcome.events if "share the network" in event.text]
    tree.require_nothing_left()


def test_a_service_that_is_told_of_another_host_has_a_network_of_its_own(tree: Tree) -> None:
    variables = {"API_URL": "https://api.example/v1"}
    tree.write({"web": "well"}, web={"environment": variables})
    outcome = tree.hold()
    assert "ready" in outcome.states("web"), outcome.log("web")
    assert not [event for event in outcome.events if "share the network" in event.text]
