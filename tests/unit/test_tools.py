"""The addresses of pages of profiles: those of `tools` sign in to this stack's pages, and to no other's."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from stack import compose
from stack.commands import tools
from stack.errors import NotUp
from stack.model import Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.system.directories import ROOT

SECRETS = {
    "redis-ui": {"SSO_ISSUER": "stack", "SSO_JWT_SECRET": "s3cret"},
    "pgadmin": {"PGADMIN_INT_KEY": "a&key"},
    "prometheus": {},
}


def plan(*services: str) -> Plan:
    planned = {
        name: ServicePlan(
            service=Service(name=name), argv=(), cwd=Path("/"), ports={1: 20001}, environment=SECRETS[name]
        )
        for name in services
    }
    stack = Stack(name="shop", files=(), directory=Path("/"), services={})
    return Plan(name="shop", engine="local", stack=stack, services=planned, endpoints={})


@pytest.mark.parametrize(("password", "starts"), [("", False), ("s3cret", True)])
def test_redis_commander_does_not_start_without_a_password(password: str, starts: bool) -> None:
    """It would show Redis to whoever reached it. Its program is not here: that is code 127."""
    loaded = compose.load(
        ROOT / "compose" / "docker-compose.local.yml",
        environment={"STACK_SECRET_REDIS_UI": password} if password else {},
        profiles=("tools",),
    )
    service = loaded.services["redis-ui"]
    assert service.environment["HTTP_PASSWORD"] == password
    done = subprocess.run(
        service.command or (), env={"HTTP_PASSWORD": password}, capture_output=True, text=True, timeout=10
    )
    assert done.returncode == (127 if starts else 1)
    assert ("Set STACK_SECRET_REDIS_UI: it opens this page." in done.stderr) is not starts


def test_a_token_is_the_one_of_the_specification() -> None:
    """The example of https://jwt.io/introduction, whose claims are in this order."""
    claims = {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}
    header, payload, signature = tools.sign(claims, "your-256-bit-secret").split(".")
    assert (header, signature) == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
    )
    assert payload == "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"


def test_redis_commander_is_opened_with_a_token_of_this_stack_that_ends() -> None:
    address = urlsplit(tools.redis_ui(plan("redis-ui"), clock=lambda: 1000.0))
    assert (address.netloc, address.path) == ("127.0.0.1:20001", "/sso")
    (token,) = parse_qs(address.query)["access_token"]
    claims = {"iss": "stack", "sub": "shop", "exp": 1600}
    assert token == tools.sign(claims, "s3cret")
    assert token != tools.sign(claims, "another stack's")


def test_pgadmin_is_opened_with_its_key() -> None:
    assert tools.pgadmin(plan("pgadmin")) == "http://127.0.0.1:20001/?key=a%26key"


def test_the_page_of_prometheus_is_the_shops_console() -> None:
    assert tools.prometheus(plan("prometheus")) == "http://127.0.0.1:20001/consoles/shop.html"
    with pytest.raises(NotUp) as caught:
        tools.prometheus(plan())
    assert "inv up --profile observability" in caught.value.hint


def test_a_page_that_was_left_out_says_why_and_any_other_keeps_the_profiles_that_are_on() -> None:
    without = replace(plan(), profiles=("vault", "observability"), left_out={"prometheus": "No image."})
    with pytest.raises(NotUp) as caught:
        tools.prometheus(without)
    assert (caught.value.message, caught.value.hint) == ("shop came up without its prometheus. No image.", "")
    with pytest.raises(NotUp) as caught:
        tools.pgadmin(without)
    words = "inv up --profile vault --profile observability --profile tools"
    assert caught.value.hint == f"Type `inv down`, then `{words}`: the data stays."


@pytest.mark.parametrize(("name", "address"), [("redis-ui", tools.redis_ui), ("pgadmin", tools.pgadmin)])
def test_a_stack_without_them_is_answered_with_how_to_get_them(name: str, address: object) -> None:
    with pytest.raises(NotUp, match=f"shop is up without its {name}") as caught:
        address(plan())  # type: ignore[operator]
    assert "inv up --profile tools" in caught.value.hint
