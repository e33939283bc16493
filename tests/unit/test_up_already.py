"""A stack that is up already is not taken for one that was asked for with other words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from recorded_stacks import write_state

from stack.control import up_already
from stack.control.choice import Choice
from stack.errors import UnknownService, UpElsewhere
from stack.model import Service, Stack
from stack.plan.service_plan import Plan
from stack.records import plans, request
from stack.records.request import Request
from stack.records.state import StackState

FILE = "compose.yml"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name in (FILE, "other.yml"):
        (tmp_path / name).touch()


def running(
    folder: Path,
    *,
    files: tuple[str, ...] = (),
    services: tuple[str, ...] = (),
    profiles: tuple[str, ...] = (),
) -> StackState:
    """Return a stack of backend and postgres that was started so; its files have a service "web", too."""
    stack = write_state("shop", folder, pid=os.getpid())
    own = (str(folder / FILE), *files)
    request.write(
        Request(
            name="shop", files=own, engine="local", work_tree="/w", run=str(folder),
            services=services, profiles=profiles,
        )
    )  # fmt: skip
    known = {name: Service(name=name) for name in ("backend", "postgres", "web")}
    described = Stack(
        name="shop", files=(), directory=folder, services=known, inactive=("spare",), endpoints={}
    )
    plans.write(Plan(name="shop", engine="local", stack=described, services={}, endpoints={}))
    return stack


def choice(folder: Path, file: str = FILE, *profiles: str) -> Choice:
    return Choice(compose_file=folder / file, profiles=profiles)


@pytest.mark.parametrize("services", [["web"], ["spare"], []])
def test_one_without_a_requested_service(tmp_path: Path, services: list[str]) -> None:
    stack = running(tmp_path, services=("backend",))
    with pytest.raises(UpElsewhere, match="shop is up already, but only with backend, postgres"):
        up_already.require_same(choice(tmp_path), services, stack)
    up_already.require_same(choice(tmp_path), ["backend"], stack)


def test_a_service_that_no_file_has_is_unknown(tmp_path: Path) -> None:
    stack = running(tmp_path)
    with pytest.raises(UnknownService, match="There is no service 'bakend'") as caught:
        up_already.require_same(choice(tmp_path), ["bakend"], stack)
    assert caught.value.hint == "Services: backend, postgres."


def test_one_from_another_file(tmp_path: Path) -> None:
    stack = running(tmp_path, files=("/elsewhere/override.yml",))
    up_already.require_same(choice(tmp_path), [], stack)
    with pytest.raises(UpElsewhere, match=r"shop is up already, from .*/override\.yml\."):
        up_already.require_same(choice(tmp_path, "other.yml"), [], stack)


def test_one_without_a_profile(tmp_path: Path) -> None:
    stack = running(tmp_path, profiles=("recorder",))
    up_already.require_same(choice(tmp_path, FILE, "recorder"), [], stack)
    with pytest.raises(
        UpElsewhere, match=r"shop is up already, without the profile tools, vault\."
    ) as caught:
        up_already.require_same(choice(tmp_path, FILE, "tools", "recorder", "vault"), [], stack)
    assert caught.value.hint == (
        "End it first: `inv down --stack shop`; its data is kept. "
        "Then type `inv up --profile recorder --profile tools --profile vault`."
    )


def test_one_with_every_profile_has_each(tmp_path: Path) -> None:
    up_already.require_same(choice(tmp_path, FILE, "tools"), [], running(tmp_path, profiles=("*",)))
