"""The address of a stack's dashboard."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from recorded_stacks import write_state

from stack.commands import dashboard
from stack.commands import open as pages
from stack.control import guardians
from stack.control.choice import Choice
from stack.errors import NotUp, ServiceFailed
from stack.model import Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.records import plans
from stack.records.timeline import Timeline


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


@pytest.mark.parametrize(("state", "text"), [("exited", "killed by SIGKILL"), ("stopped", "")])
def test_the_address_of_a_page_that_is_gone_is_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    stack = replace(
        write_state("shop", tmp_path, pid=os.getpid()),
        run=str(tmp_path / "run"),
        ports={"dashboard": {4318: 20001}},
        endpoints={"BACKEND_URL": "http://127.0.0.1:1"},
    )
    record = Timeline(tmp_path / "run")
    record.service("dashboard", state, text)
    record.close()
    monkeypatch.setattr(guardians, "alive", lambda name: stack)
    monkeypatch.setattr(Choice, "resolve_name", lambda choice: "shop")
    monkeypatch.setattr(plans, "read", lambda name: plan("dashboard"))
    gone = f"The dashboard of shop is {state}{': ' if text else ''}{text}."
    with pytest.raises(ServiceFailed, match=re.escape(gone)) as caught:
        dashboard.run(Choice(), open_page=False, timeout_s=1.0)
    assert caught.value.hint == "Type `inv restart dashboard`; `inv logs dashboard` has its last lines."
    with pytest.raises(ServiceFailed, match=re.escape(gone)):
        pages.run(Choice(), "dashboard")
    pages.run(Choice(), "")
    assert f"  dashboard  - {gone}" in capsys.readouterr().out
