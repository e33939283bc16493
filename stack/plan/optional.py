"""Services that a stack can do without (``x-optional``): where one cannot run, the others come up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from stack.plan.plan import Plan
from stack.plan.service_plan import ServicePlan


def services(plan: Plan) -> dict[str, ServicePlan]:
    """Return the services that the stack can do without."""
    return {name: service for name, service in plan.services.items() if service.service.optional}


def leave_out(plan: Plan, reasons: Mapping[str, str]) -> Plan:
    """Return the plan without the services that cannot run; one note says which, and why."""
    if not reasons:
        return plan
    left = {name: service for name, service in plan.services.items() if name not in reasons}
    why = " ".join(f"{name}: {reason}" for name, reason in reasons.items())
    note = f"The stack comes up without {', '.join(reasons)}. {why}"
    return replace(plan, services=left, notes=(*plan.notes, note), left_out=reasons)
