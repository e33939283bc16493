"""Locks between processes beside SQLite, and between the threads of one."""

from __future__ import annotations

import fcntl
from types import SimpleNamespace

import pytest

from core import advisory
from core.advisory import advisory_lock, try_advisory_lock

pytestmark = pytest.mark.django_db


def is_free(path):
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def beside(monkeypatch, name):
    database = SimpleNamespace(vendor="sqlite", settings_dict={"NAME": name})
    monkeypatch.setattr(advisory, "connection", database)


def test_a_lock_beside_a_file_of_sqlite_is_one_for_all_processes(tmp_path, monkeypatch):
    beside(monkeypatch, tmp_path / "new" / "folder" / "shop.sqlite3")
    lock = tmp_path / "new" / "folder" / "shop.sqlite3.prepare.lock"
    with advisory_lock("prepare"):
        assert not is_free(lock)
    assert is_free(lock)


@pytest.mark.parametrize("name", [":memory:", "file:memorydb_default?mode=memory&cache=shared"])
def test_a_database_in_memory_needs_no_lock_between_processes(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    beside(monkeypatch, name)
    with advisory_lock("prepare"):
        assert not list(tmp_path.iterdir())


def test_a_name_is_locked_once_until_its_holder_ends():
    with try_advisory_lock("a") as first:
        with try_advisory_lock("a") as second, try_advisory_lock("b") as other:
            assert (first, second, other) == (True, False, True)
        with try_advisory_lock("a") as third:
            assert not third  # who was refused has unlocked nothing
    with pytest.raises(ZeroDivisionError), try_advisory_lock("a"):
        raise ZeroDivisionError
    with try_advisory_lock("a") as again:
        assert again
