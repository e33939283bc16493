"""Services of a plan, by name and by image."""

from __future__ import annotations

from stack.errors import UnknownService
from stack.plan.plan import Plan, ServicePlan


def service_of(plan: Plan, name: str) -> ServicePlan:
    """Return the service ``name``.

    Raises:
        UnknownService: the plan has no such service.
    """
    if name not in plan.services:
        raise UnknownService(f"There is no service {name!r}.", hint=f"Services: {', '.join(plan.services)}.")
    return plan.services[name]


def service_of_image(plan: Plan, word: str) -> ServicePlan:
    """Return the first service whose image has ``word`` in its name.

    Raises:
        UnknownService: there is none.
    """
    for service in plan.services.values():
        image = service.service.image
        if image and word in image.rsplit("/", 1)[-1].split(":")[0]:
            return service
    raise UnknownService(f"{plan.name} has no {word}.", hint=f"Services: {', '.join(plan.services)}.")
