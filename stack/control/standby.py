"""How commands reach the standby of a stack: the process that does data commands without starting anew."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

from stack.errors import GuardianLost
from stack.records import folders, standby
from stack.records.standby import TAKEN, Request

BEGIN_LIMIT_S, LIMIT_S = 10.0, 24 * 3600.0


def run(stack: str, word: str, options: Mapping[str, Any], stack_options: Mapping[str, str]) -> int | None:
    """Let the standby of ``stack`` do a command on this process's terminal, and return its exit code.

    None where no standby takes it: the caller does the work itself. ``stack_options`` are those that named
    the stack. Ctrl-C interrupts the standby, which says so; a second one does not wait for it.

    Raises:
        GuardianLost: it ended before the work was done.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        request = Request(
            word=word, options=options, environment=dict(os.environ), stack_options=stack_options
        )
        if not _begin(link, stack, request):
            return None
        link.settimeout(LIMIT_S)
        try:
            code = _receive_code(link)
        except OSError as error:
            raise _lost(stack, str(error)) from error
    if not code:
        raise _lost(stack, "it was ended")
    return code[0]


def _receive_code(link: socket.socket) -> bytes:
    """Return the exit code, nothing where the standby has ended; Ctrl-C is handed on."""
    try:
        return link.recv(1)
    except KeyboardInterrupt:
        link.shutdown(socket.SHUT_WR)
        return link.recv(1)


def begin(stack: str, word: str, options: Mapping[str, Any]) -> bool:
    """Let the standby of ``stack`` do something in the background; return whether it has begun."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        return _begin(link, stack, Request(word=word, options=options, environment=dict(os.environ)))


def _begin(link: socket.socket, stack: str, request: Request) -> bool:
    link.settimeout(BEGIN_LIMIT_S)
    try:
        link.connect(str(folders.standby_socket(stack)))
        standby.send(link, request)
        return link.recv(1) == TAKEN
    except OSError:
        return False


def _lost(stack: str, why: str) -> GuardianLost:
    return GuardianLost(
        f"The standby of {stack} did not finish the work ({why}).",
        hint="The data is wholly old or wholly new: run `inv ps`, then this again.",
    )
