from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stack.commands import exec, health, psql
from stack.control import guardians, local_place, plans
from stack.control.choice import Choice
from stack.engines import build
from stack.engines.local import servers
from stack.environments import service_environment
from stack.environments.service_environment import ServiceEnvironment
from stack.errors import NotRunnable, UnknownService
from stack.model import Build, Dependency, Healthcheck, LocalHints, Service, Stack
from stack.plan.image_config import ImageConfig
from stack.plan.plan import Plan, ServicePlan
from stack.records import plans as stored_plans
from stack.records import state as records
from stack.records.state import StackState
from stack.system import programs

STATE = StackState(
    name="shop",
    engine="local",
    work_tree="/w",
    run="/r",
    token="t",
    ephemeral=True,
    created=1.0,
    pid=0,
    pid_started=0.0,
)


def plan_of(*services: ServicePlan) -> Plan:
    table = {s.name: s for s in services}
    stack = Stack(
        name="shop", files=(), directory=Path("/"), services={n: s.service for n, s in table.items()}
    )
    return Plan(name="shop", engine="local", stack=stack, services=table, endpoints={})


def service_plan(name: str, *needs: str, **values: Any) -> ServicePlan:
    wanted = tuple(Dependency(service=need) for need in needs)
    environment = values.pop("environment", {})
    folders, ports = values.pop("folders", {}), values.pop("ports", {})
    check = values.get("healthcheck")
    return ServicePlan(
        service=Service(name=name, depends_on=wanted, environment=environment, **values),
        argv=(),
        environment=environment,
        ports=ports,
        cwd=Path("/"),
        folders=folders,
        healthcheck=check.test if check else (),
        executed=check.test if check else (),
        server_image=values.get("image", ""),
    )


def test_an_unknown_service_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownService, match="'z'") as caught:
        plans.service_of(plan_of(service_plan("a"), service_plan("b")), "z")
    assert caught.value.hint == "Services: a, b."


@pytest.mark.parametrize(
    ("image", "program", "cause", "hint"),
    [
        ("redis:7", "redis-cli", "its image does, this machine does not", "`inv redis-cli` needs no such"),
        ("postgres:15", "psql", "its image does, this machine does not", "`inv psql` needs no such program"),
        ("redis:7", "redis-clii", "nor this machine has it", "Check the spelling"),
        ("", "redis-cli", "nor this machine has it", "Check the spelling"),
    ],
)
def test_a_program_that_is_missing_has_a_way_out(
    image: str, program: str, cause: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guardians, "require_running", lambda name: STATE)
    monkeypatch.setattr(stored_plans, "read", lambda name: plan_of(service_plan("x", image=image)))
    monkeypatch.setattr(service_environment, "sync", lambda *words: ServiceEnvironment())
    monkeypatch.setattr(Choice, "resolve_name", lambda choice: "shop")
    monkeypatch.setattr(shutil, "which", lambda word, path=None: None)
    with pytest.raises(NotRunnable, match=f"x has no program '{program}'") as caught:
        exec.run(Choice(), "x", program)
    assert cause in caught.value.message
    assert caught.value.hint.startswith(hint)


def test_a_server_is_found_by_its_image_whatever_the_registry() -> None:
    made = plan_of(
        service_plan("metrics", image="prometheuscommunity/postgres-exporter"),
        service_plan("cache", image="valkey/valkey:8"),
        service_plan("db", image="registry:5000/postgres:15"),
    )
    assert plans.service_of_kind(made, "postgres").name == "db"
    assert plans.service_of_kind(made, "redis").name == "cache"
    with pytest.raises(UnknownService, match="shop has no redis service"):
        plans.service_of_kind(plan_of(service_plan("db", image="postgres:15")), "redis")


def test_of_several_servers_one_must_be_named() -> None:
    made = plan_of(*(service_plan(name, image="postgres:15") for name in ("old", "new")))
    with pytest.raises(UnknownService, match="has several postgres services: old, new"):
        plans.service_of_kind(made, "postgres")
    assert plans.service_of_kind(made, "postgres", "new").name == "new"
    with pytest.raises(UnknownService, match="has no postgres service 'web'") as caught:
        plans.service_of_kind(made, "postgres", "web")
    assert caught.value.hint == "Services: old, new."


def test_a_command_beside_postgres_finds_its_socket_as_in_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_environment, "sync", lambda *words: ServiceEnvironment())
    monkeypatch.setattr(records, "scratch", lambda name: Path("/s") / name)
    for image, found in (("postgres:15", {"PGHOST": "/s/shop/x/socket", "PGPORT": "5433"}), ("redis:7", {})):
        planned = service_plan("x", image=image, ports={5432: 5433})
        environment = local_place.of_service(planned, STATE).environment
        assert {name: value for name, value in environment.items() if name.startswith("PG")} == found


@pytest.mark.parametrize(
    ("variables", "password"),
    [({"POSTGRES_PASSWORD": "own"}, "own"), ({"POSTGRES_HOST_AUTH_METHOD": "trust"}, None)],
)
def test_psql_needs_a_password_only_where_there_is_one(
    variables: dict[str, str], password: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str | None] = []

    def attach(argv: list[str], *, env: dict[str, str]) -> int:
        called.append(env.get("PGPASSWORD"))
        return 0

    db = service_plan("db", image="postgres:15", ports={5432: 5433}, environment=variables)
    monkeypatch.setattr(guardians, "require_running", lambda name: STATE)
    monkeypatch.setattr(stored_plans, "read", lambda name: plan_of(db))
    monkeypatch.setattr(service_environment, "sync", lambda *words: ServiceEnvironment())
    monkeypatch.setattr(programs, "attach", attach)
    monkeypatch.setattr(Choice, "resolve_name", lambda choice: "shop")
    assert psql.run(Choice(), "select 1") == 0
    assert called == [password]


def test_health_executes_an_unrecognised_check_and_shows_its_output() -> None:
    check = Healthcheck(test=("CMD", "sh", "-c", "echo ill; exit 1"))
    made = plan_of(service_plan("job", healthcheck=check), service_plan("plain"))
    rows = health.check_all(made, STATE)
    assert [(row["service"], row["health"]) for row in rows] == [("job", "wrong"), ("plain", "-")]
    assert rows[0]["answer"] == "exit code 1: ill"


def test_a_build_makes_environments_of_projects_and_asks_images_for_a_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[tuple[str, bool]] = []

    def sync(service: Service, image: ImageConfig, *, recreate: bool, say: Callable[[str], None]) -> None:
        installed.append((service.name, recreate))

    monkeypatch.setattr(service_environment, "sync", sync)
    monkeypatch.setattr(servers, "runner", {"postgres:15": None}.__getitem__)
    services = {
        "web": Service(name="web", build=Build(context=tmp_path, dockerfile_text="FROM a")),
        "db": Service(name="db", image="postgres:15"),
        "own": Service(name="own", image="acme/own:1", local=LocalHints(command=("serve",))),
    }
    said: list[str] = []
    stack = Stack(name="shop", files=(), directory=tmp_path, services=services)
    build.build(stack, "local", no_cache=True, say=said.append)
    assert installed == [("web", True), ("own", True)]
    assert said == [
        "web: its environment is ready",
        "db: postgres:15 has a runner",
        "own: its environment is ready",
    ]
