"""The address of a stack's dashboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.commands import dashboard
from stack.errors import NotUp
from stack.model import Service, Stack
from stack.plan.plan import Plan, ServicePlan


def plan(*services: str) -> Plan:
    planned = {
        name: ServicePlan(
            service=Service(name=name), argv=(), cwd=Path("/"), ports={4318: 20001},
            environment={"DASHBOARD_TOKEN": "s3cret"},
        )
        for name in services
    }  # fmt: skip
    stack = Stack(name="shop", files=(), directory=Path("/"), services={})
    return Plan(name="shop", engine="local", stack=stack, services=planned, endpoints={})


def test_the_address_opens_the_page_of_this_stack() -> None:
    assert dashboard.address_of(plan("web", "dashboard")) == "http://127.0.0.1:20001/?token=s3cret"


def test_a_stack_without_a_dashboard_is_answered_with_how_to_get_one() -> None:
    with pytest.raises(NotUp, match="shop is up without its dashboard") as caught:
        dashboard.address_of(plan("web"))
    assert "inv up --profile observability" in caught.value.hint
