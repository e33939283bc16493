"""The services of a running stack: their states, and how they are started and stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.control import guardians
from stack.errors import ServiceFailed, UnknownService
from stack.records import timeline
from stack.records.state import StackState


def change_services(kept: StackState, verb: str, services: Sequence[str]) -> None:
    """Stop, start or restart services.

    Raises:
        UnknownService: a name that the stack does not have.
        ServiceFailed: one did not become ready again.
    """
    known = list(kept.ports) or []
    for name in services:
        if name not in known:
            raise UnknownService(
                f"There is no service {name!r} in {kept.name}.", hint=f"Services: {', '.join(known)}."
            )
    answer = guardians.ask(kept.name, verb, list(services or known))
    if not answer["ok"]:
        failed = ", ".join(answer.get("failed", [])) or answer.get("error", "")
        raise ServiceFailed(f"Not ready after {verb}: {failed}.", hint="See `inv logs`.")


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One service as people see it. ``since`` is seconds since the epoch."""

    service: str
    state: str
    text: str
    since: float
    ports: dict[int, int]


def service_statuses(kept: StackState) -> list[ServiceStatus]:
    """Return each service's last state, in the order in which they were started."""
    last = {e.service: e for e in timeline.read(Path(kept.run)) if e.kind == "service"}
    return [
        ServiceStatus(
            service=name,
            state=last[name].state if name in last else "waiting",
            text=last[name].text if name in last else "",
            since=last[name].at if name in last else kept.created,
            ports={int(target): port for target, port in table.items()},
        )
        for name, table in kept.ports.items()
    ]


def elapsed_s(since: float) -> float:
    return time.time() - since
