"""The guard before the data of a whole stack is deleted: every Postgres of it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from test_data_guard import plan_of, state_of

from stack.commands import removal, server_location
from stack.data import guard, mark, postgres
from stack.data.guard import Location
from stack.data.stores import Server, servers_of
from stack.errors import NotDisposable
from stack.plan.plan import Plan
from stack.records import plans


def plan_with_two_servers() -> Plan:
    """Return a plan whose second Postgres has a database of its own."""
    plan = plan_of()
    first = replace(plan.services["db"], ports={5432: 20001})
    second = replace(
        first,
        service=replace(first.service, name="audit", environment={"POSTGRES_DB": "trail"}),
        ports={5432: 20003},
    )
    backend = replace(
        plan.services["backend"],
        environment={
            "DATABASE_URL": "postgresql://u:p@127.0.0.1:20001/shop",
            "AUDIT_URL": "postgresql://u:p@127.0.0.1:20003/records",
        },
    )
    return replace(plan, services={"db": first, "audit": second, "backend": backend})


def test_each_server_has_the_database_by_which_services_are_told_of_it() -> None:
    servers = servers_of(plan_with_two_servers())
    assert [(each.service, each.port, each.database) for each in servers] == [
        ("db", 20001, "shop"),
        ("audit", 20003, "records"),
    ]


def test_a_server_that_no_service_is_told_of_has_the_database_of_its_variables() -> None:
    plan = plan_with_two_servers()
    plan = replace(plan, services={name: plan.services[name] for name in ("db", "audit")})
    assert [each.database for each in servers_of(plan)] == ["u", "trail"]


@pytest.fixture
def two_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Have a stack up whose second server's database has no mark; the servers that the guard asks."""
    asked = []

    @contextmanager
    def session(server: Server) -> Iterator[str]:
        yield server.service

    def require(cursor: str, plan: Plan, server: Server, location: Location) -> None:
        asked.append(cursor)
        if cursor == "audit":
            raise NotDisposable("it carries no disposable mark")

    monkeypatch.setenv("STACK_HOME", str(tmp_path))
    monkeypatch.setattr(plans, "read", lambda name: plan_with_two_servers())
    monkeypatch.setattr(server_location, "of_server", lambda state, plan, server: Location())
    monkeypatch.setattr(postgres, "session", session)
    monkeypatch.setattr(mark, "has_mark", lambda cursor, server: cursor != "audit")
    monkeypatch.setattr(guard, "require_removable_database", require)
    return asked


def test_the_data_of_a_stack_is_kept_where_one_of_its_servers_refuses(two_servers: list[str]) -> None:
    with pytest.raises(NotDisposable, match="no disposable mark"):
        removal.require_removable(state_of())
    assert two_servers == ["db", "audit"]


def test_data_that_was_refused_while_the_stack_was_up_is_kept_when_it_is_down(two_servers: list[str]) -> None:
    with pytest.raises(NotDisposable):
        removal.require_removable(state_of())
    with pytest.raises(NotDisposable, match="records had no disposable mark when the stack was last up"):
        removal.require_removable_remains(state_of().name)
