"""Where the guard expects the data of a stack's own Postgres."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_data_guard import plan_of, state_of

from stack.commands import data_access
from stack.commands.data_access import Access
from stack.control.choice import Choice
from stack.data.errors import NoSuchStore
from stack.data.stores import stores_of
from stack.engines.local import binaries
from stack.plan.plan import Plan
from stack.records import state as records


def expected_folder(plan: Plan) -> Path | None:
    return Access(state=state_of(), plan=plan, stores=stores_of(plan)).location().data_directory


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(records, "scratch", lambda name: folder)
    return folder


def test_data_without_a_mount_lies_in_the_scratch_of_the_stack(scratch: Path) -> None:
    assert expected_folder(plan_of()) == scratch / "db" / "data"


def test_data_in_a_mount_lies_in_its_folder(scratch: Path) -> None:
    plan = plan_of()
    folders = {"/var/lib/postgresql/data": "/volumes/pg"}
    services = {**plan.services, "db": replace(plan.services["db"], folders=folders)}
    assert expected_folder(replace(plan, services=services)) == Path("/volumes/pg")


def test_a_service_built_from_postgres_is_the_stack_s_postgres() -> None:
    plan = plan_of()
    service = replace(plan.services["db"].service, image=None)
    built = replace(plan.services["db"], service=service, server_image="postgres:15")
    stores = stores_of(replace(plan, services={**plan.services, "db": built}))
    assert stores.server is not None
    assert stores.server.service == "db"


def test_a_service_built_from_postgres_has_the_clients_of_its_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pg_dump").touch()
    monkeypatch.setattr(binaries, "postgres_bin", lambda major: tmp_path if major == 15 else Path("/none"))
    plan = plan_of()
    service = replace(plan.services["db"].service, image=None)
    plan = replace(plan, services={**plan.services, "db": replace(plan.services["db"], service=service)})
    access = Access(state=state_of(), plan=plan, stores=stores_of(plan))
    assert access.clients().folder == tmp_path


def test_a_server_is_reached_at_its_own_port_whatever_else_it_publishes() -> None:
    plan = plan_of()
    services = {
        "db": replace(plan.services["db"], ports={8080: 20009, 5432: 20001}),
        "cache": replace(plan.services["cache"], ports={8001: 20008, 6379: 20002}),
    }
    stores = stores_of(replace(plan, services={**plan.services, **services}))
    assert stores.server is not None
    assert stores.redis is not None
    assert (stores.server.port, stores.redis.port) == (20001, 20002)


@pytest.mark.parametrize(
    ("command", "url", "expected"),
    [
        (None, "redis://cache:6379/0", ("", "")),
        (None, "redis://:pass%20word@cache:6379/0", ("", "pass word")),
        (None, "redis://shop:secret@cache:6379/0", ("shop", "secret")),
        (("redis-server", "--requirepass", "own"), "redis://:other@elsewhere:6379/0", ("", "own")),
        (("sh", "-c", "exec redis-server --requirepass $PASSWORD"), "redis://cache:6379/0", ("", "p w")),
    ],
)
def test_the_password_of_redis_is_that_of_its_own_words_else_of_a_service_s_address(
    command: tuple[str, ...] | None, url: str, expected: tuple[str, str]
) -> None:
    plan = plan_of({"REDIS_URL": url})
    cache = plan.services["cache"]
    service = replace(cache.service, command=command, environment={"PASSWORD": "p w"})
    services = {**plan.services, "cache": replace(cache, service=service)}
    redis = stores_of(replace(plan, services=services)).redis
    assert redis is not None
    assert (redis.user, redis.password) == expected


def test_of_several_servers_none_is_taken_for_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of()
    first = replace(plan.services["db"], server_image="postgres:15")
    second = replace(first, service=replace(first.service, name="new"))
    plan = replace(plan, services={**plan.services, "db": first, "new": second})
    access = Access(state=state_of(), plan=plan, stores=stores_of(plan))
    monkeypatch.setattr(data_access.guardians, "require_running", lambda name: access.state)
    monkeypatch.setattr(data_access, "access_to", lambda state: access)
    with pytest.raises(NoSuchStore, match=r"has several postgres services \(db, new\)"):
        data_access.open_access(Choice(kind="local"))
