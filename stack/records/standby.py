"""What a command and a stack's standby say to each other, over a socket of their own.

The command sends one byte with its standard streams attached, then one JSON line: the request. The standby
sends ``TAKEN`` when it has begun, and the exit code as one byte when it is done. Where the command closes its
side before that, it was interrupted.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from stack.system.directories import ROOT

TAKEN = b"+"
STREAMS = 3
"""Standard input, output and error."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A word that people type, with its options, and where it was typed.

    ``stack_options`` are those that named the stack: what the standby advises to type repeats them.
    """

    word: str
    options: Mapping[str, Any]
    environment: Mapping[str, str]
    stack_options: Mapping[str, str] = field(default_factory=dict)
    folder: str = field(default_factory=os.getcwd)
    code: str = str(ROOT)


def send(link: socket.socket, request: Request) -> None:
    """Send a request with this process's own standard streams."""
    socket.send_fds(link, [b"\n"], range(STREAMS))
    link.sendall(json.dumps(asdict(request)).encode() + b"\n")


def receive(link: socket.socket) -> tuple[Request, list[int]]:
    """Return a request and the descriptors of the standard streams that came with it."""
    _, streams, _, _ = socket.recv_fds(link, 1, STREAMS)
    with link.makefile("rb") as lines:
        return Request(**json.loads(lines.readline())), streams
