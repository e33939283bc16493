"""Whether the local engine can run every service of a plan, known before anything starts."""

from __future__ import annotations

from stack.engines.local import servers
from stack.environments import service_environment
from stack.errors import NotRunnable
from stack.plan import plan as planning
from stack.plan.plan import Plan, ServicePlan
from stack.plan.service_plan import Problem


def require_runnable(plan: Plan) -> None:
    """Raise where a service cannot run here.

    Raises:
        NotRunnable: names every such service, each with its way out.
    """
    found = {name: _problem(service) for name, service in plan.services.items()}
    planning.require_runnable(plan, {name: problem for name, problem in found.items() if problem})


def _problem(plan: ServicePlan) -> Problem | None:
    service = plan.service
    try:
        if plan.server_image or (service.build is None and service.local.command is None):
            servers.runner(plan.server_image or service.image or "")
        else:
            service_environment.require_installable(service, plan.image)
    except NotRunnable as error:
        return Problem(sentence=f"services.{plan.name}: {error.message}", way_out=error.hint)
    return None
