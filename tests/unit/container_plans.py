"""Plans for a container engine, made without a compose file."""

from __future__ import annotations

from pathlib import Path

from stack.model import Service, Stack
from stack.plan.plan import Plan, ServicePlan


def plan(name: str, *services: Service, **ports: dict[int, int]) -> Plan:
    """Return the plan of a stack with these services; ``ports`` is service -> container port -> host port."""
    table = {
        s.name: ServicePlan(service=s, argv=(), environment={}, ports=ports.get(s.name, {}), cwd=Path("/"))
        for s in services
    }
    stack = Stack(name="shop", files=(), directory=Path("/"), services={s.name: s for s in services})
    return Plan(name=name, engine="docker", stack=stack, services=table, endpoints={})
