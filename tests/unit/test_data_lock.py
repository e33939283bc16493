from __future__ import annotations

from pathlib import Path

import pytest

from stack.data import lock
from stack.data.errors import DataBusy


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(tmp_path))


def test_a_second_command_says_that_it_waits_and_gives_up_in_the_end() -> None:
    said: list[str] = []
    with (
        lock.exclusive("shop", say=said.append),
        pytest.raises(DataBusy, match="has been changing the data of shop"),
        lock.exclusive("shop", say=said.append, limit_s=0),
    ):
        pass
    assert said == ["waiting for another command that changes the data of shop"]


def test_who_waits_for_a_spare_database_is_told_so() -> None:
    said: list[str] = []
    with (
        lock.exclusive("shop", say=said.append, purpose=lock.SPARE),
        pytest.raises(DataBusy, match="The spare database of shop is not ready after 0 s"),
        lock.exclusive("shop", say=said.append, limit_s=0),
    ):
        pass
    assert said == ["waiting for the spare database of shop that is being prepared"]


def test_what_an_earlier_holder_did_is_not_said_of_the_next_one() -> None:
    said: list[str] = []
    with lock.exclusive("shop", say=said.append, purpose=lock.SPARE):
        pass
    with (
        lock.exclusive_or_none("shop"),
        pytest.raises(DataBusy),
        lock.exclusive("shop", say=said.append, limit_s=0),
    ):
        pass
    assert said == ["waiting for another command that changes the data of shop"]


def test_the_data_of_another_stack_is_not_waited_for() -> None:
    said: list[str] = []
    with lock.exclusive("shop", say=said.append), lock.exclusive("other", say=said.append):
        assert said == []


def test_without_waiting_a_held_lock_is_reported_at_once() -> None:
    with lock.exclusive("shop", say=print), lock.exclusive_or_none("shop") as free:
        assert not free
    with lock.exclusive_or_none("shop") as free:
        assert free
