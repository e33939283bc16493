"""The plan of a running stack: made once, by its guardian; read by everybody else.

The file holds passwords, so it lies in the state folder, mode 0600. The run's folder has a redacted copy.
"""

from __future__ import annotations

from pathlib import Path

from stack.errors import NotUp
from stack.plan.service_plan import Plan
from stack.records import folders, record_file


def plan_file(name: str) -> Path:
    """Return where the plan of the stack ``name`` is stored."""
    return folders.of_stack(name) / "plan.json"


def write(plan: Plan) -> None:
    """Store the plan of a stack that is about to start."""
    record_file.write(plan_file(plan.name), plan)


def read(name: str) -> Plan:
    """Return the plan by which the stack ``name`` was started.

    Raises:
        NotUp: it has not got so far yet.
        StateUnreadable: the file is damaged or from another version.
    """
    try:
        return record_file.read(plan_file(name), Plan)
    except FileNotFoundError:
        raise NotUp(f"The stack {name} has no plan yet.", hint="Wait until `inv up` is done.") from None
