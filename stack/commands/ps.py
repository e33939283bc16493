"""`inv ps`: list the services of a stack."""

from __future__ import annotations

from stack.control import guardians, services
from stack.control.choice import Choice
from stack.display import messages, tables
from stack.display.terminal import first_line
from stack.display.typed_commands import complete
from stack.errors import InvalidOption, UnknownService

COLUMNS = ("service", "state", "since", "ports", "detail")
FORMATS = ("table", "json")


def run(choice: Choice, service: str = "", *, as_json: bool = False, format: str = "") -> None:
    """List the services of the stack, or one of them; ``format`` "json" means ``as_json``, as in Compose.

    Raises:
        InvalidOption: ``format`` is neither table nor json.
        UnknownService: the running stack has no such service.
    """
    if format not in ("", *FORMATS):
        raise InvalidOption(f"There is no format {format!r}.", hint=f"Formats: {', '.join(FORMATS)}.")
    name = choice.resolve_name()
    stack = guardians.alive(name)
    statuses = [] if stack is None else services.service_statuses(stack)
    if service and statuses and service not in {status.service for status in statuses}:
        names = ", ".join(status.service for status in statuses)
        raise UnknownService(f"There is no service {service!r}.", hint=f"Services: {names}.")
    rows = [_row(status) for status in statuses if service in ("", status.service)]
    as_json = as_json or format == "json"
    messages.say(tables.render(rows, COLUMNS, as_json=as_json, empty=complete(str(guardians.not_up(name)))))


def _row(status: services.ServiceStatus) -> dict[str, str]:
    return {
        "service": status.service,
        "state": status.state,
        "since": tables.age(services.elapsed_s(status.since)),
        "ports": ", ".join(f"127.0.0.1:{host}->{target}" for target, host in status.ports),
        "detail": first_line(status.text) + _debugger(status.debugger),
    }


def _debugger(port: int) -> str:
    return f", under debugpy at 127.0.0.1:{port}" if port else ""
