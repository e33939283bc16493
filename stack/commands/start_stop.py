"""`inv start`, `inv stop`, `inv restart`: change services of a running stack."""

from __future__ import annotations

from stack.control import guardians, services
from stack.control.choice import Choice
from stack.display import messages
from stack.records.control import Action

DONE: dict[str, str] = {
    Action.START: "started and ready",
    Action.STOP: "stopped",
    Action.RESTART: "restarted and ready",
}


def run(choice: Choice, verb: str, service: str) -> None:
    """Start, stop or restart one service, or all where ``service`` is empty, and wait until it is done."""
    stack = guardians.require_running(choice.resolve_name())
    services.change_services(stack, Action(verb), [service] if service else [])
    messages.say(f"{service or 'all services'}: {DONE[verb]}")
