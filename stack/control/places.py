"""Where a service runs, seen from a command: its first process, and its own network where it has one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from stack.errors import NotUp
from stack.health.probes import Connect, Connecting, connect_from_here
from stack.plan.plan import ServicePlan
from stack.records import timeline
from stack.records.state import StackState
from stack.system import network_namespace, processes

CONNECT_LIMIT_S = 5.0


def service_pid(stack: StackState, service: str) -> int:
    """Return the pid of the service's first process.

    Raises:
        NotUp: the service is not running.
    """
    for event in reversed(timeline.read(Path(stack.run))):
        if event.kind == "process" and event.service == service:
            if processes.is_alive(event.pid, event.started):
                return event.pid
            break
    raise NotUp(f"{service} is not running.", hint=f"Start it: `inv start {service}`.")


def argv_in_service(stack: StackState, plan: ServicePlan, argv: Sequence[str]) -> list[str]:
    """Return the words that run ``argv`` on the service's network and in its folder.

    Raises:
        NotUp: the service is not running, so that it has no network.
    """
    if plan.network != "own":
        return list(argv)
    words = network_namespace.nsenter_beside(service_pid(stack, plan.name))
    return list(network_namespace.inside(words, argv, user=None, cwd=plan.cwd))


def connect_of(stack: StackState, plan: ServicePlan) -> Connect:
    """Return what opens connections on the service's network; to be called while there is one thread.

    Raises:
        NotUp: the service is not running, so that it has no network.
    """
    if plan.network != "own":
        return connect_from_here
    pid = service_pid(stack, plan.name)
    network_namespace.join_user_namespace(pid)
    thread = network_namespace.thread_beside(pid)

    def connect(host: str, port: int) -> Connecting:
        async def work() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            address, limit_s = (host, port), CONNECT_LIMIT_S
            loop = asyncio.get_running_loop()
            connection = await loop.run_in_executor(thread, socket.create_connection, address, limit_s)
            connection.setblocking(False)
            return await asyncio.open_connection(sock=connection)

        return work()

    return connect
