"""`inv stacks`"""

from __future__ import annotations

import json

from stack.commands import stats
from stack.control import guardians, services
from stack.display import messages, tables
from stack.records.state import StackState


def stack_row(kept: StackState) -> dict[str, str]:
    """Return one living stack as a row."""
    statuses = services.service_statuses(kept)
    well = sum(item.state in {"ready", "completed"} for item in statuses)
    return {
        "name": kept.name,
        "engine": kept.engine,
        "work_tree": kept.work_tree,
        "age": tables.age(services.elapsed_s(kept.created)),
        "health": kept.phase if kept.phase != "up" else f"{well}/{len(statuses)} ready",
        "memory": tables.format_bytes(stats.memory_bytes(kept)),
        "ports": ", ".join(f"{s}:{p}" for s, table in kept.ports.items() for p in table.values()),
    }


def run(*, as_json: bool) -> None:
    """List every stack of this machine."""
    rows = [stack_row(kept) for kept in guardians.running_stacks()]
    columns = ["name", "engine", "work_tree", "age", "health", "memory", "ports"]
    if as_json:
        messages.say(json.dumps(rows, indent=1))
    else:
        messages.say(tables.table(rows, columns) if rows else "no stack is up on this machine")
