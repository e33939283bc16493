"""Where a service runs, seen from a command: its first process, and its own network where it has one."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from stack.engines.local import limits
from stack.errors import NotUp
from stack.health.probes import Connect, Connecting, connect_from_here
from stack.plan.plan import ServicePlan
from stack.records import timeline
from stack.records.state import StackState
from stack.system import control_groups, network_namespace, processes

CONNECT_LIMIT_S = 5.0


def service_pid(stack: StackState, service: str) -> int:
    """Return the pid of the service's first process.

    Raises:
        NotUp: the service is not running.
    """
    pid = _pid(stack, service)
    if pid is None:
        raise NotUp(f"{service} is not running.", hint=f"Start it: `inv start {service}`.")
    return pid


def _pid(stack: StackState, service: str) -> int | None:
    for event in reversed(timeline.read(Path(stack.run))):
        if event.kind == "process" and event.service == service:
            return event.pid if processes.is_alive(event.pid, event.started) else None
    return None


def limits_of(stack: StackState, plan: ServicePlan) -> tuple[str, ...]:
    """Return the words before a command that is to run within the limits of a service."""
    pid = _pid(stack, plan.name)
    return limits.words(plan.service, control_groups.group_of(pid) if pid is not None else None)


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
