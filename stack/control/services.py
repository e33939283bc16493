"""The services of a running stack: their states; start, stop, restart, rebuild."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.control import guardians
from stack.errors import ServiceFailed, UnknownService
from stack.health import verdicts
from stack.records import timeline
from stack.records.control import Action, Command, Outcome
from stack.records.state import StackState


def change_services(stack: StackState, action: Action, services: Sequence[str]) -> None:
    """Change services, all of them where none is named, and wait until they are ready.

    Raises:
        UnknownService: the stack has no service of that name.
        ServiceFailed: one did not become ready.
        ReportedError: the guardian reports an error, which has its own exit code.
    """
    change(stack, Command(action=action, services=tuple(services or stack.ports)))


def change(stack: StackState, command: Command) -> None:
    """Send a command that changes services, and wait until they are ready.

    Raises:
        StackError: as of ``change_services``.
    """
    reply = guardians.ask(stack.name, command)
    if reply.outcome is Outcome.UNKNOWN_SERVICE:
        raise UnknownService(
            f"There is no service {reply.services[0]!r} in {stack.name}.",
            hint=f"Services: {', '.join(stack.ports)}.",
        )
    if reply.outcome is Outcome.FAILED:
        raise guardians.ReportedError(reply.error, hint=reply.hint, code=reply.code)
    if reply.outcome is Outcome.NOT_READY:
        failed = ", ".join(reply.services)
        raise ServiceFailed(f"Not ready after {command.action}: {failed}.", hint="See `inv logs`.")


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """The state of one service; ``since`` is the time of the last transition, in seconds since the epoch.

    ``ports`` are pairs of container port and host port; ``debugger`` is where one listens, 0 without.
    """

    service: str
    state: str
    text: str
    since: float
    ports: tuple[tuple[int, int], ...]
    debugger: int = 0


def service_statuses(stack: StackState) -> list[ServiceStatus]:
    """Return each service's state, in start order."""
    last = {e.service: e for e in timeline.read(Path(stack.run)) if e.kind == "service"}
    return [
        ServiceStatus(
            service=name,
            state=last[name].state if name in last else "waiting",
            text=last[name].text if name in last else "",
            since=last[name].at if name in last else stack.created,
            ports=(*ports.items(), *stack.further_ports.get(name, ())),
            debugger=stack.debuggers.get(name, 0),
        )
        for name, ports in stack.ports.items()
    ]


def require_well(stack: StackState, service: str) -> None:
    """Check that a service of a running stack has neither failed nor been stopped.

    Raises:
        ServiceFailed: it has.
    """
    for status in service_statuses(stack):
        if status.service == service and status.state in {*verdicts.BAD, "stopped"}:
            why = status.text.partition("\n")[0]
            raise ServiceFailed(
                f"The {service} of {stack.name} is {status.state}{': ' if why else ''}{why}.",
                hint=f"Type `inv restart {service}`; `inv logs {service}` has its last lines.",
            )


def elapsed_s(since: float) -> float:
    """Return the seconds since a time of the epoch."""
    return time.time() - since
