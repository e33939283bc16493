"""Compose files and plans as people or programs read them, secrets masked."""

from __future__ import annotations

import json
from typing import Any

from stack.display.redaction import Redactor, redactor_of
from stack.model import Service, Stack
from stack.plan.plan import Plan, ServicePlan


def describe_plan(plan: Plan) -> str:
    """Return the plan as JSON."""
    redactor = redactor_of(plan.stack)
    document = {
        "name": plan.name,
        "engine": plan.engine,
        "services": {name: _planned_service(service, redactor) for name, service in plan.services.items()},
        "endpoints": dict(plan.endpoints),
    }
    return redactor.text(json.dumps(document, indent=1))


def _planned_service(planned: ServicePlan, redactor: Redactor) -> dict[str, Any]:
    return {
        "argv": list(planned.argv),
        "cwd": str(planned.cwd),
        "ports": {str(target): port for target, port in planned.ports.items()},
        "environment": redactor.environment(planned.environment),
        "needs": {d.service: d.condition for d in planned.service.depends_on if d.required},
        "healthcheck": list(planned.healthcheck),
    }


def stack_json(stack: Stack) -> str:
    """Return the merged compose files as JSON."""
    redactor = redactor_of(stack)
    services = {name: _service(service, redactor) for name, service in stack.services.items()}
    files = [str(file) for file in stack.files]
    document = {"name": stack.name, "files": files, "services": services}
    return redactor.text(json.dumps(document, indent=1))


def _service(service: Service, redactor: Redactor) -> dict[str, Any]:
    return {
        "image": service.image,
        "build": str(service.build.context) if service.build is not None else None,
        "needs": {d.service: d.condition for d in service.depends_on},
        "ports": [{"published": port.published, "target": port.target} for port in service.ports],
        "environment": redactor.environment(service.environment),
    }


def describe_stack(stack: Stack) -> str:
    """Return the merged compose files as indented lines."""
    redactor = redactor_of(stack)
    lines = [f"{stack.name}: {', '.join(str(file) for file in stack.files)}"]
    for service in stack.services.values():
        source = service.image or f"build {service.build.context if service.build else '?'}"
        lines.append(f"  {service.name}: {source}")
        lines += [f"    needs {d.service} ({d.condition})" for d in service.depends_on]
        lines += [f"    port {p.published or 'any'} -> {p.target}" for p in service.ports]
        lines += [f"    {key}={value}" for key, value in redactor.environment(service.environment).items()]
    return redactor.text("\n".join(lines))
