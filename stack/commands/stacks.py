"""`inv stacks`: list the running stacks of this machine."""

from __future__ import annotations

from stack.commands import stats
from stack.control import guardians, services
from stack.display import messages, tables
from stack.health import verdicts
from stack.records.state import StackState

COLUMNS = ("name", "engine", "work_tree", "age", "health", "memory", "ports")


def run(*, as_json: bool) -> None:
    """List every running stack of this machine."""
    rows = [stack_row(stack) for stack in guardians.running_stacks()]
    messages.say(tables.render(rows, COLUMNS, as_json=as_json, empty="No stack is up on this machine."))


def stack_row(stack: StackState) -> dict[str, str]:
    """Return one running stack as a row."""
    statuses = services.service_statuses(stack)
    ready = sum(status.state in verdicts.GOOD for status in statuses)
    return {
        "name": stack.name,
        "engine": stack.engine,
        "work_tree": stack.work_tree,
        "age": tables.age(services.elapsed_s(stack.created)),
        "health": stack.phase if stack.phase != "up" else f"{ready}/{len(statuses)} ready",
        "memory": tables.format_bytes(stats.memory_bytes(stack)),
        "ports": ", ".join(
            f"{service}:{port}" for service, table in stack.ports.items() for port in table.values()
        ),
    }
