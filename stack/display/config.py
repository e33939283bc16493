"""Compose files and plans as people read them, secrets redacted."""

from __future__ import annotations

import json

from stack.display.redaction import redact, redact_url
from stack.model import Stack
from stack.plan.plan import Plan


def describe_plan(made: Plan) -> str:
    """Return the plan as JSON, with secrets masked."""
    services = {
        name: {
            "argv": list(s.argv),
            "cwd": str(s.cwd),
            "ports": {str(k): v for k, v in s.ports.items()},
            "environment": redact(s.environment),
            "needs": {d.service: d.condition for d in s.service.depends_on},
            "healthcheck": list(s.healthcheck),
        }
        for name, s in made.services.items()
    }
    endpoints = {key: redact_url(value) for key, value in made.endpoints.items()}
    return json.dumps(
        {"name": made.name, "engine": made.engine, "services": services, "endpoints": endpoints}, indent=1
    )


def describe_stack(loaded: Stack) -> str:
    """Return a compose model as people read it, secrets masked."""
    lines = [f"{loaded.name}: {', '.join(str(file) for file in loaded.files)}"]
    for service in loaded.services.values():
        source = service.image or f"build {service.build.context if service.build else '?'}"
        lines.append(f"  {service.name}: {source}")
        lines += [f"    needs {d.service} ({d.condition})" for d in service.depends_on]
        lines += [f"    port {p.published or 'any'} -> {p.target}" for p in service.ports]
        lines += [f"    {key}={value}" for key, value in redact(service.environment).items()]
    return "\n".join(lines)
