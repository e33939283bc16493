"""`inv start`, `inv stop`, `inv restart`: change services of a running stack."""

from __future__ import annotations

from typing import Literal

from stack.control import guardians, services
from stack.control.choice import Choice
from stack.display import messages

Verb = Literal["start", "stop", "restart"]
DONE: dict[Verb, str] = {
    "start": "started and ready",
    "stop": "stopped",
    "restart": "restarted and ready",
}


def run(choice: Choice, verb: Verb, service: str) -> None:
    """Start, stop or restart one service, or all where ``service`` is empty, and wait until it is done."""
    stack = guardians.require_running(choice.resolve_name())
    services.change_services(stack, verb, [service] if service else [])
    messages.say(f"{service or 'all services'}: {DONE[verb]}")
