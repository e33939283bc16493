"""Services of a plan, by name and by image."""

from __future__ import annotations

from stack.errors import UnknownService
from stack.plan.images import ServerKind
from stack.plan.service_plan import Plan, ServicePlan


def service_of(plan: Plan, name: str) -> ServicePlan:
    """Return the service ``name``.

    Raises:
        UnknownService: the plan has no such service.
    """
    if name not in plan.services:
        raise UnknownService(f"There is no service {name!r}.", hint=f"Services: {', '.join(plan.services)}.")
    return plan.services[name]


def service_of_kind(plan: Plan, kind: ServerKind, name: str = "") -> ServicePlan:
    """Return the service that runs a server of this kind; ``name`` says which where there are several.

    Raises:
        UnknownService: there is none, or several and none is named.
    """
    found = {service.name: service for service in plan.servers(kind)}
    if name in found:
        return found[name]
    if not found or name:
        what = f"{kind} service {name!r}" if name else f"{kind} service"
        names = ", ".join(found or plan.services)
        raise UnknownService(f"{plan.name} has no {what}.", hint=f"Services: {names}.")
    if len(found) > 1:
        names = ", ".join(found)
        raise UnknownService(
            f"{plan.name} has several {kind} services: {names}.", hint="Name one with --service."
        )
    return next(iter(found.values()))
