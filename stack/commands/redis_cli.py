"""`inv redis-cli`: open redis-cli on a stack's Redis."""

from __future__ import annotations

import shlex
import shutil
import socket

from stack.commands import exec
from stack.control import guardians, plans
from stack.control.choice import Choice
from stack.display import messages
from stack.errors import ServerMissing
from stack.plan.plan import LOOPBACK
from stack.records import plans as stored_plans
from stack.system import programs

TIMEOUT_S = 5.0


def run(choice: Choice, command: str) -> int:
    """Open redis-cli, or run one Redis command; return the exit code.

    Raises:
        ServerMissing: an interactive session was asked for, and no client is installed.
    """
    stack = guardians.require_running(choice.resolve_name())
    planned = plans.service_of_image(stored_plans.read(stack.name), "redis")
    if stack.engine != "local":
        return programs.attach(
            exec.container_argv(stack, planned.name, ["redis-cli", *shlex.split(command)], fresh=False)
        )
    port = next(iter(planned.ports.values()))
    program = shutil.which("redis-cli") or shutil.which("valkey-cli")
    if program is not None:
        return programs.attach([program, "-h", LOOPBACK, "-p", str(port), *shlex.split(command)])
    if not command:
        raise ServerMissing(
            "redis-cli is not installed.", hint='Install it, or give one command: -c "GET key".'
        )
    messages.say(_reply(port, command))
    return 0


def _reply(port: int, command: str) -> str:
    """Return the server's reply to an inline command.

    https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands
    """
    with socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_S) as connection:
        connection.sendall(command.encode() + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        reply = b""
        while chunk := connection.recv(65536):
            reply += chunk
    return reply.decode(errors="replace").rstrip()
