"""`inv open`: a page of the running stack, in the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from stack.commands import browser, dashboard, tools
from stack.control import guardians, services
from stack.control.choice import Choice
from stack.display import messages
from stack.errors import InvalidOption, NotUp, ServiceFailed
from stack.plan.plan import LOOPBACK
from stack.plan.service_plan import Plan
from stack.records import plans
from stack.records.state import StackState


def _below(endpoint: str, path: str) -> Callable[[StackState], str]:
    """Return what finds the address of a path below an endpoint of the compose file."""

    def address(stack: StackState) -> str:
        if endpoint not in stack.endpoints:
            raise NotUp(
                f"{stack.name} has no {endpoint}.", hint="`x-endpoints` in its compose file names it."
            )
        return f"{stack.endpoints[endpoint].rstrip('/')}{path}"

    return address


def _of_service(service: str, find: Callable[[Plan], str]) -> Callable[[StackState], str]:
    """Return what finds the address of the page of a service that is well."""

    def address(stack: StackState) -> str:
        found = find(plans.read(stack.name))
        services.require_well(stack, service)
        return found

    return address


PAGES: Final[Mapping[str, Callable[[StackState], str]]] = {
    "backend": _below("BACKEND_URL", "/health/"),
    "gateway": _below("GATEWAY_URL", "/health"),
    "admin": _below("BACKEND_URL", "/admin/"),
    "docs": _below("GATEWAY_URL", "/docs"),
    "dashboard": _of_service("dashboard", dashboard.address_of),
    "prometheus": _of_service("prometheus", tools.prometheus),
    "redis-ui": _of_service("redis-ui", tools.redis_ui),
    "pgadmin": _of_service("pgadmin", tools.pgadmin),
}


def _published(stack: StackState) -> dict[str, Callable[[StackState], str]]:
    """The first published port of each service that runs no server of the engine's own."""
    planned = plans.read(stack.name).services
    ports = {name: next(iter(plan.ports.values()), 0) for name, plan in planned.items()}
    return {
        name: lambda stack, port=port: f"http://{LOOPBACK}:{port}/"  # type: ignore[misc]
        for name, port in ports.items()
        if port and not planned[name].server_image
    }


def run(choice: Choice, page: str) -> None:
    """Open a page of the running stack and print its address; print every address where none is named.

    Raises:
        InvalidOption: there is no such page, and no service of that name publishes a port.
        NotUp: the stack is not up, or up without the service of the page.
        ServiceFailed: the service of the page has failed.
    """
    stack = guardians.require_running(choice.resolve_name())
    pages = PAGES if stack.endpoints else _published(stack)
    if page:
        address = pages.get(page) or _published(stack).get(page)
        if address is None:
            raise InvalidOption(f"There is no page {page!r}.", hint=f"Pages: {', '.join(pages) or 'none'}.")
        browser.show(address(stack))
        return
    for name, address in pages.items():
        try:
            messages.say(f"  {name:<10} {address(stack)}")
        except (NotUp, ServiceFailed) as reason:
            messages.say(f"  {name:<10} - {reason}")
