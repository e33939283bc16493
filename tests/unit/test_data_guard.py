from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from stack.data import guard
from stack.data.guard import Location, ServerFacts
from stack.data.mark import Identity
from stack.data.stores import Stores, stores_of
from stack.errors import NotDisposable
from stack.model import Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.records.state import StackState
from stack.system import processes

URL = "postgresql://u:p@127.0.0.1:20001/shop"
DATA = Path("/state/shop/volumes/postgres-data")


def state_of(**values: object) -> StackState:
    state = StackState(
        name="shop",
        engine="local",
        work_tree="/w",
        run="/r",
        token="t",
        ephemeral=False,
        created=0.0,
        pid=processes.own_pid(),
        pid_started=processes.started(processes.own_pid()) or 0.0,
        ports={"db": {5432: 20001}, "cache": {6379: 20002}},
    )
    return msgspec.structs.replace(state, **values)


def plan_of(environment: Mapping[str, str] | None = None, *, engine: str = "local", url: str = URL) -> Plan:
    given = {"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:20002/0", **(environment or {})}
    services = {
        "db": service_plan(
            "db", {"POSTGRES_PASSWORD": "p", "POSTGRES_USER": "u"}, image="postgres:15", ports={5432: 20001}
        ),
        "cache": service_plan("cache", {}, image="redis:7", ports={6379: 20002}),
        "backend": service_plan("backend", given),
    }
    model = Stack(
        name="shop", files=(), directory=Path("/"), services={n: s.service for n, s in services.items()}
    )
    return Plan(name="shop", engine=engine, stack=model, services=services, endpoints={})


def service_plan(
    name: str,
    environment: Mapping[str, str],
    *,
    image: str | None = None,
    ports: Mapping[int, int] | None = None,
) -> ServicePlan:
    service = Service(name=name, image=image, environment=environment)
    return ServicePlan(
        service=service,
        argv=(),
        environment=environment,
        ports=ports or {},
        cwd=Path("/"),
        server_image=image or "",
    )


def refusals_of_plan(
    plan: Plan, state: StackState | None = None, own: Mapping[str, str] | None = None
) -> list[str]:
    return list(guard.plan_refusals(plan, state or state_of(), stores_of(plan), own or {}))


def identity_of(comment: str | None) -> Identity:
    return Identity(name="shop", oid=7, cluster="99", comment=comment)


def comment(*, stack: str = "shop", cluster: str = "99", oid: int = 7) -> str:
    values = f'"stack": "{stack}", "cluster": "{cluster}", "oid": {oid}, "kind": "live"'
    return '{"disposable": {' + values + "}}"


def refusals(identity: Identity | None, *, folder: str = str(DATA)) -> list[str]:
    seen = ServerFacts(data_directory=folder, address="127.0.0.1")
    return list(guard.identity_refusals(identity, seen, Location(data_directory=DATA), stack="shop"))


def test_the_own_database_of_a_living_stack_is_disposable() -> None:
    assert refusals_of_plan(plan_of()) == []
    assert refusals(identity_of(comment())) == []


def test_the_driver_in_the_address_of_the_own_database_is_of_no_account() -> None:
    plan = plan_of(url="postgresql+asyncpg://u:p@127.0.0.1:20001/books")
    server = stores_of(plan).server
    assert refusals_of_plan(plan) == []
    assert server is not None
    assert server.database == "books"


def test_a_service_with_a_network_of_its_own_reaches_the_own_database_by_name() -> None:
    plan = plan_of({"REDIS_URL": "redis://cache:6379/0"}, url="postgresql://u:p@db:5432/shop")
    assert refusals_of_plan(plan) == []


def test_a_name_of_another_service_or_port_is_refused() -> None:
    assert refusals_of_plan(plan_of(url="postgresql://u:p@other:5432/shop"))
    assert refusals_of_plan(plan_of(url="postgresql://u:p@db:20001/shop"))


def test_a_stack_whose_guardian_is_gone_is_refused() -> None:
    assert "is not a living stack" in refusals_of_plan(plan_of(), state_of(pid_started=-1.0))[0]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@db.example.com:5432/shop",
        "postgresql+asyncpg://u:p@db.example.com:5432/shop",
        "postgis://u:p@db.example.com:5432/shop",
        "postgresql://u:p@localhost:20001/shop",
        "postgresql://u:p@127.0.0.1:20009/shop",
        "postgresql://u:p@/shop?host=/var/run/postgresql",
        "postgresql://u:p@127.0.0.1:20001/shop?host=db.example.com",
    ],
)
def test_a_service_that_was_sent_elsewhere_forbids_it(url: str) -> None:
    assert any("DATABASE_URL of backend leads to" in reason for reason in refusals_of_plan(plan_of(url=url)))


def test_a_container_is_known_by_the_name_of_its_service_alone() -> None:
    assert (
        refusals_of_plan(plan_of({"REDIS_URL": ""}, engine="docker", url="postgresql://u:p@db:5432/shop"))
        == []
    )
    assert refusals_of_plan(
        plan_of({"REDIS_URL": ""}, engine="docker", url="postgresql://u:p@127.0.0.1:20001/shop")
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"DJANGO_SETTINGS_MODULE": "config.settings.production"},
        {"ENVIRONMENT": "staging"},
        {"ENVIRONMENT": "preprod"},
        {"ENVIRONMENT": "prd"},
        {"ENVIRONMENT": "eu-stg-1"},
        {"APP_ENV": "PROD"},
    ],
)
def test_an_environment_that_is_not_disposable_is_refused_by_its_name(environment: dict[str, str]) -> None:
    variable = next(iter(environment))
    assert f"{variable}=" in refusals_of_plan(plan_of(environment))[0]
    assert "your environment" in refusals_of_plan(plan_of(), own=environment)[0]


def test_a_word_that_only_contains_the_name_of_an_environment_is_no_reason() -> None:
    assert (
        refusals_of_plan(
            plan_of({"DJANGO_SETTINGS_MODULE": "config.settings.reproduction", "SEED_PRODUCTS": "9"})
        )
        == []
    )


def test_how_a_program_was_built_is_no_environment() -> None:
    assert refusals_of_plan(plan_of({"NODE_ENV": "production"})) == []
    assert refusals_of_plan(plan_of({"SHOP_NODE_ENV": "production"}))


def test_volumes_are_not_deleted_where_an_environment_forbids_it() -> None:
    guard.require_removable(plan_of(), {})
    with pytest.raises(NotDisposable, match="APP_ENV=staging"):
        guard.require_removable(plan_of({"APP_ENV": "staging"}), {})
    with pytest.raises(NotDisposable, match="your environment"):
        guard.require_removable_remains("shop", None, {"DJANGO_SETTINGS_MODULE": "shop.settings.production"})


@pytest.mark.parametrize("name", ["shop_production", "prod", "template1"])
def test_a_database_is_refused_by_its_name(name: str) -> None:
    assert "by its name" in refusals_of_plan(plan_of(url=f"postgresql://u:p@127.0.0.1:20001/{name}"))[0]


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (None, "no such database"),
        (identity_of(None), "no disposable mark"),
        (identity_of("disposable"), "no disposable mark"),
        (identity_of(comment(stack="other")), "the stack other"),
        (identity_of(comment(cluster="98")), "copied from another database"),
        (identity_of(comment(oid=8)), "copied from another database"),
    ],
)
def test_a_database_without_a_true_mark_of_the_stack_is_refused(
    identity: Identity | None, reason: str
) -> None:
    assert reason in refusals(identity)[0]


def test_a_server_that_only_sits_at_the_right_port_is_refused() -> None:
    assert "keeps its data in /elsewhere" in refusals(identity_of(comment()), folder="/elsewhere")[0]
    tunnel = ServerFacts(data_directory="/var/lib/postgresql/data", address="10.1.2.3")
    location = Location(addresses=frozenset({"172.18.0.2"}))
    assert "is not the container of shop" in next(
        guard.identity_refusals(identity_of(comment()), tunnel, location, stack="shop")
    )


def test_a_refused_plan_is_one_sentence_with_the_reason() -> None:
    plan = plan_of({"ENVIRONMENT": "production"})
    with pytest.raises(NotDisposable, match="ENVIRONMENT=production") as caught:
        guard.require_disposable_plan(plan, state_of(), stores_of(plan), {})
    assert caught.value.hint


def test_a_stack_without_servers_has_only_its_environment_to_be_refused_by() -> None:
    plan = plan_of()
    bare = replace(
        plan, services={"backend": service_plan("backend", {"DATABASE_URL": "sqlite:////x/y.sqlite3"})}
    )
    assert stores_of(bare) == Stores(server=None, redis=None, files={"backend": "/x/y.sqlite3"}, addresses=())
    assert refusals_of_plan(bare) == []
