"""Locks between processes, each process here a thread with a connection of its own."""

import threading
from contextlib import suppress

import pytest
from django.db import connection

from core import advisory
from core.advisory import advisory_lock, try_advisory_lock
from tests.postgres.test_locks import waiting_for_locks
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(act):
    """Call a function in a thread with its own connection, and return the started thread."""

    def run():
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture
def another_process(monkeypatch):
    """Return whether another process, which knows nothing of the names that this one holds, gets a lock."""

    def gets(name):
        outcome = []

        def attempt():
            with try_advisory_lock(name) as acquired:
                outcome.append(acquired)

        with monkeypatch.context() as other:
            other.setattr(advisory, "_locked_names", set())
            elsewhere(attempt).join(20)
        return outcome == [True]

    return gets


@pytest.mark.parametrize("ends", ["well", "with an error"])
def test_who_comes_second_waits_for_the_first(ends):
    entered = []

    def enter():
        with advisory_lock("prepare"):
            entered.append("second")

    with suppress(ZeroDivisionError), advisory_lock("prepare"):
        second = elsewhere(enter)
        wait_until(waiting_for_locks, "the second waits")
        entered.append("first")
        if ends != "well":
            raise ZeroDivisionError
    second.join(20)
    assert entered == ["first", "second"]


def test_nobody_waits_for_a_lock_of_another_name():
    entered = []

    def enter():
        with advisory_lock("seed"):
            entered.append("other")

    with advisory_lock("prepare"):
        elsewhere(enter).join(20)
        assert entered == ["other"]


def test_a_name_is_refused_to_other_processes_until_its_holder_ends(another_process):
    for number in range(20):  # half of all keys are negative numbers
        name = f"name {number}"
        with try_advisory_lock(name) as acquired:
            assert acquired
            with try_advisory_lock(name) as again:  # Postgres alone would give it to the same session twice
                assert not again
            assert not another_process(name)
            assert not another_process(name)  # who was refused has unlocked nothing
            assert another_process(f"{name} of another")
        assert another_process(name)
        with suppress(ZeroDivisionError), try_advisory_lock(name):
            raise ZeroDivisionError
        assert another_process(name)


def test_a_connection_that_ended_took_its_lock_along(another_process):
    with try_advisory_lock("a"):
        connection.close()
        wait_until(lambda: another_process("a"), "the server has noticed")
    with try_advisory_lock("a"):
        connection.connection.close()  # by the server, without Django's knowledge
        wait_until(lambda: another_process("a"), "the server has noticed")
    connection.close()
