"""Services of a plan, by name and by image."""

from __future__ import annotations

from stack.errors import UnknownService
from stack.plan import images
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


def service_of_kind(plan: Plan, kind: ServerKind) -> ServicePlan:
    """Return the first service that runs a server of this kind.

    Raises:
        UnknownService: there is none.
    """
    for service in plan.services.values():
        if images.server_kind(service.server_image) == kind:
            return service
    raise UnknownService(f"{plan.name} has no {kind} service.", hint=f"Services: {', '.join(plan.services)}.")
