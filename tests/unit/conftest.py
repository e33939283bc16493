"""What holds for every test here: no network and no container engine."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any


class NetworkAsked(AssertionError):
    """A test reached for another machine. It must not: tests say the same in a train and in CI."""


def _is_here(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook sees what the interpreter does, whichever library asks, but no other process."""
    host = None
    if event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    if isinstance(host, str) and not _is_here(host):
        raise NetworkAsked(f"{event} of {host}")


sys.addaudithook(_refuse_network)
# A test that asks for a container engine finds none, also where one answers.
os.environ["DOCKER_HOST"] = "unix:///nonexistent/docker.sock"
# What tests make up is no part of a job's summary.
os.environ.pop("GITHUB_STEP_SUMMARY", None)
