"""Which stack the options of a command name."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from recorded_stacks import write_state

from stack.control import up_already
from stack.control.choice import Choice
from stack.errors import UnknownEngine, UnknownStack
from stack.records import folders, runs
from stack.records import request as requests
from stack.records.request import Request


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STACK_NAME", raising=False)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Return the compose file of another project."""
    folder = tmp_path / "Other Shop"
    folder.mkdir()
    (folder / "compose.yml").write_text("services: {web: {image: 'redis:7'}}\n")
    return folder / "compose.yml"


@pytest.mark.parametrize("kind", ["../../x", "nope", "", "local/../local", "-local"])
def test_a_name_that_is_no_stack_is_refused_by_every_command(kind: str) -> None:
    with pytest.raises(UnknownStack) as caught:
        Choice(kind=kind).resolve_name()
    assert caught.value.hint == "Stacks: ci, local."


def test_a_name_from_the_environment_never_leaves_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_NAME", "../../x")
    with pytest.raises(UnknownStack, match=r"'\.\./\.\./x' cannot be the name of a stack"):
        Choice().name()


def test_an_unknown_stack_is_refused_whatever_name_the_environment_gives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STACK_NAME", "shop")
    write_state("shop", tmp_path, pid=os.getpid())
    with pytest.raises(UnknownStack, match="There is no stack 'nope'"):
        Choice(kind="nope").resolve_name()
    with pytest.raises(UnknownStack, match="There is no compose file"):
        Choice(compose_file=tmp_path / "nope.yml").name()
    with pytest.raises(UnknownEngine):
        up_already.require_same(Choice(engine="lxc"), [], write_state("shop", tmp_path, pid=os.getpid()))


def test_a_stack_named_by_the_environment_is_found_after_its_work_tree_was_deleted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STACK_NAME", "shop")
    assert Choice(kind="toy", work_tree=tmp_path / "gone").resolve_name() == "shop"


def test_another_project_s_compose_file_brings_its_name_folder_and_variables(other: Path) -> None:
    choice = Choice(compose_file=other)
    assert choice.name() == "othershop"
    assert choice.files() == (str(other),)
    assert choice.env_file() == str(other.parent / ".env")
    assert choice.folder == other.parent


def test_a_compose_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownStack, match=r"There is no compose file .*missing\.yml"):
        Choice(compose_file=tmp_path / "missing.yml").resolve_name()


def test_a_running_stack_is_found_by_a_file_that_cannot_be_read_any_more(other: Path, tmp_path: Path) -> None:
    stack = write_state("othershop", tmp_path, pid=os.getpid())
    requests.write(
        Request(name=stack.name, files=(str(other),), engine="local", work_tree="/w", run=str(tmp_path))
    )
    other.write_text("services: [")
    assert Choice(compose_file=other).resolve_name() == "othershop"


def test_the_latest_run_is_that_of_the_stack_itself_not_of_one_with_a_longer_name(tmp_path: Path) -> None:
    clock = itertools.count(1_700_000_000).__next__
    names = ("shop", "shop-1a2b3c", "shop-admin", "my-shop", "shop")
    made = [runs.new_run(tmp_path, name, clock=clock) for name in names]
    assert runs.of_stack(tmp_path, "shop") == [made[0], made[4]]
    assert runs.of_ephemeral_stacks(tmp_path, "shop") == [made[1]]
    choice = Choice(kind="shop", work_tree=tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Choice, "resolve_name", lambda choice: "shop")
        assert choice.last_run() == made[4]


def test_a_running_stack_whose_run_folder_is_deleted_does_not_hinder_the_others(
    other: Path, tmp_path: Path
) -> None:
    write_state("gone", tmp_path / "deleted", pid=os.getpid())
    assert Choice(compose_file=other).resolve_name() == "othershop"


def test_a_stack_of_another_version_does_not_hinder_the_others(other: Path) -> None:
    file = folders.state_file("older")
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    assert Choice(compose_file=other).resolve_name() == "othershop"
