"""What data commands refuse before they look at the stack's data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from test_data_guard import plan_of, state_of

from stack.commands import backup, data_access, in_services, restore, snapshot
from stack.commands.data_access import Access
from stack.control.choice import Choice
from stack.data.errors import NotABackup
from stack.data.stores import stores_of
from stack.errors import InvalidOption, UnknownService

CHOICE = Choice(kind="local")


def verify(path: str, *, to: str = "") -> None:
    backup.run(CHOICE, path=to, recipients=[], verify=path, identity="", jobs="")


def undo(path: str) -> None:
    restore.run(CHOICE, path=path, undo=True, keep_old=False, migrate=False, identity="", jobs="")


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda: verify("/old", to="/new"), "--verify writes no backup to /new"),
        (lambda: undo("/old"), "--undo does not restore /old"),
    ],
)
def test_of_two_things_at_once_neither_is_done(work: Callable[[], None], sentence: str) -> None:
    with pytest.raises(InvalidOption, match=sentence):
        work()


@pytest.fixture
def access(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Access:
    plan, state = plan_of(), state_of(work_tree=str(tmp_path))
    access = Access(state=state, plan=plan, stores=stores_of(plan))
    monkeypatch.setattr(data_access, "open_access", lambda choice: access)
    return access


def test_an_empty_name_is_no_backup_to_verify_and_none_is_written_instead(access: Access) -> None:
    del access
    with pytest.raises(NotABackup, match="No backup was named"):
        verify("")


def test_where_there_is_no_branch_no_snapshot_is_called_so(access: Access) -> None:
    with pytest.raises(InvalidOption, match=f"{access.state.work_tree} is on no git branch"):
        snapshot.run(CHOICE, "save", "", branch=True)


def test_without_a_backend_it_is_said_what_there_is() -> None:
    plan = plan_of()
    services = {name: planned for name, planned in plan.services.items() if name != "backend"}
    stack = replace(plan.stack, services={name: planned.service for name, planned in services.items()})
    with pytest.raises(UnknownService, match="shop has no service 'backend', which migrates and seeds"):
        in_services.backend_of(replace(plan, services=services, stack=stack))
