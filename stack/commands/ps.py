"""`inv ps`"""

from __future__ import annotations

import json

from stack.control import guardians, services
from stack.control.choice import Choice
from stack.display import messages, tables


def run(choice: Choice, *, as_json: bool) -> None:
    """List the services of the stack."""
    name = choice.resolve_name()
    kept = guardians.alive(name)
    rows = [] if kept is None else [_row(item) for item in services.service_statuses(kept)]
    if as_json:
        messages.say(json.dumps(rows, indent=1))
    elif not rows:
        messages.say(str(guardians.not_up(name)))
    else:
        messages.say(tables.table(rows, ["service", "state", "since", "ports", "detail"]))


def _row(item: services.ServiceStatus) -> dict[str, str]:
    return {
        "service": item.service,
        "state": item.state,
        "since": tables.age(services.elapsed_s(item.since)),
        "ports": ", ".join(f"127.0.0.1:{host}->{target}" for target, host in item.ports.items()),
        "detail": item.text[:60],
    }
