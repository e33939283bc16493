"""The database of a stack is marked once it is there, whoever makes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stack.data import journal, mark
from stack.data.stores import Server
from stack.errors import ServiceFailed
from stack.guardian import database
from stack.model import Healthcheck, Service, Stack
from stack.plan.plan import Plan, ServicePlan
from stack.records import timeline, unmarked
from stack.records.timeline import Timeline

CHECK = Healthcheck(test=("CMD", "true"))


class Postgres:
    """A server whose database somebody makes, and the services that are up beside it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, new: bool) -> None:
        self.new, self.refusal, self.is_made, self.marked, self.run = new, "", True, 0, folder
        monkeypatch.setattr(mark, "mark_if_new", self._mark)
        monkeypatch.setattr(journal, "open_abandoned", lambda server: None)
        monkeypatch.setattr(unmarked, "record", lambda stack, service, name, *, has_mark: None)
        services = {
            "db": self._service("db", image="postgres:15"),
            "audit": self._service("audit", image="postgres:15"),
            "web": self._service("web"),
        }
        stack = Stack(name="shop", files=(), directory=folder, services={})
        self._plan = Plan(name="shop", engine="local", stack=stack, services=services, endpoints={})
        self._events = Timeline(folder)
        self._when_up = database.when_up(self._plan, self._events)

    def _service(self, name: str, image: str = "") -> ServicePlan:
        service = Service(name=name, image=image, healthcheck=CHECK)
        return ServicePlan(
            service=service,
            argv=(),
            environment={},
            ports={5432: 1},
            cwd=Path("/"),
            healthcheck=CHECK.test,
            server_image=image,
        )

    def _mark(self, server: Server, *, new: bool) -> bool | None:
        if self.refusal:
            raise ServiceFailed(self.refusal)
        if not self.is_made:
            return None
        self.marked += new
        return new

    async def data_is_new(self, *, since: float) -> bool:
        return self.new

    def is_up(self, service: str) -> None:
        asyncio.run(self._when_up(self._plan.services[service], self))  # type: ignore[arg-type]

    def notes(self) -> list[str]:
        self._events.close()
        return [event.text for event in timeline.read(self.run) if event.kind == "note"]


def test_a_database_that_a_service_makes_is_marked_when_that_service_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = Postgres(tmp_path, monkeypatch, new=True)
    postgres.is_made = False
    postgres.is_up("db")
    assert postgres.marked == 0
    postgres.is_made = True
    postgres.is_up("web")
    postgres.is_up("web")
    assert (postgres.marked, postgres.notes()) == (1, [])


def test_the_databases_of_several_servers_are_marked_each_when_its_server_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = Postgres(tmp_path, monkeypatch, new=True)
    postgres.is_up("db")
    assert postgres.marked == 1
    postgres.is_up("audit")
    assert (postgres.marked, postgres.notes()) == (2, [])


def test_a_database_that_was_there_before_is_left_to_its_server_s_own_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = Postgres(tmp_path, monkeypatch, new=False)
    postgres.is_up("db")
    monkeypatch.setattr(mark, "mark_if_new", pytest.fail)
    postgres.is_up("web")
    assert (postgres.marked, postgres.notes()) == (0, [])


def test_old_data_without_the_database_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres = Postgres(tmp_path, monkeypatch, new=False)
    postgres.is_made = False
    postgres.is_up("db")
    assert postgres.notes() == ["the database of db has no disposable mark: there is no database postgres."]


def test_any_other_refusal_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres = Postgres(tmp_path, monkeypatch, new=True)
    postgres.refusal = "no password supplied"
    postgres.is_up("db")
    assert postgres.notes() == ["the database of db has no disposable mark: no password supplied"]
