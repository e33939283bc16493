"""`inv redis-cli`"""

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


def run(choice: Choice, command: str) -> int:
    """Open redis-cli on the stack's Redis, or run one command."""
    kept = guardians.require_running(choice.resolve_name())
    planned = plans.service_of_image(stored_plans.read(kept.name), "redis")
    if kept.engine != "local":
        return programs.attach(
            exec.container_argv(kept, planned.name, ["redis-cli", *shlex.split(command)], fresh=False)
        )
    port = next(iter(planned.ports.values()))
    program = shutil.which("redis-cli") or shutil.which("valkey-cli")
    if program is not None:
        return programs.attach([program, "-h", LOOPBACK, "-p", str(port), *shlex.split(command)])
    if not command:
        raise ServerMissing(
            "There is no redis-cli here.", hint='Install one, or give one command: -c "GET key".'
        )
    messages.say(_inline(port, command))
    return 0


def _inline(port: int, command: str) -> str:
    """One inline command (https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands)."""
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(command.encode() + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode(errors="replace").rstrip()
