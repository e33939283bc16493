"""`inv start`, `inv stop`, `inv restart`"""

from __future__ import annotations

from stack.control import guardians, services
from stack.control.choice import Choice
from stack.display import messages
from stack.records.control import Action


def change(choice: Choice, verb: str, service: str) -> None:
    """Stop, start or restart services of the stack."""
    stack = guardians.require_running(choice.resolve_name())
    services.change_services(stack, Action(verb), [service] if service else [])
    past = {"stop": "stopped", "start": "started and ready", "restart": "restarted and ready"}[verb]
    messages.say(f"{service or 'all services'}: {past}")
