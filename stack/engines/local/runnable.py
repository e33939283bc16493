"""Whether the local engine can run every service of a plan, known before anything starts."""

from __future__ import annotations

from stack.engines.local import servers
from stack.environments import service_environment
from stack.errors import LockMismatch, NotRunnable, PythonMissing, StackError
from stack.plan import plan as planning
from stack.plan.plan import Plan, ServicePlan
from stack.plan.service_plan import Problem


def require_runnable(plan: Plan) -> None:
    """Raise where a service cannot run here.

    Raises:
        NotRunnable: names every such service, each with its way out.
        PythonMissing, LockMismatch: the only problem of the plan.
    """
    errors = {name: error for name, service in plan.services.items() if (error := error_of(service))}
    problems = [name for name, service in plan.services.items() if service.problem is not None]
    if len(errors) == 1 and not problems and not isinstance(only := next(iter(errors.values())), NotRunnable):
        raise only
    planning.require_runnable(
        plan,
        {
            name: Problem(sentence=f"services.{name}: {error.message}", way_out=error.hint)
            for name, error in errors.items()
        },
    )


def error_of(plan: ServicePlan) -> StackError | None:
    """Return why a server or an environment cannot be had here, None where it can."""
    service = plan.service
    try:
        if plan.server_image or (service.build is None and service.local.command is None):
            servers.runner(plan.server_image or service.image or "")
        else:
            service_environment.require_installable(service, plan.image)
    except (NotRunnable, PythonMissing, LockMismatch) as error:
        return error
    return None
