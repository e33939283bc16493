"""Turns: who came first goes first, a turn is lent while its holder waits, and never lost."""

import threading
import time

import pytest

from config.turns import Turns, lend_while_asking, reads

SOON_S = 5.0


def in_thread(work, *given):
    thread = threading.Thread(target=work, args=given, daemon=True)
    thread.start()
    return thread


def until(condition):
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_one_at_a_time_and_who_came_first_goes_first():
    turns, order, inside = Turns(patience_s=SOON_S), [], []

    def come(number):
        with turns:
            inside.append(number)
            order.append(list(inside))
            inside.remove(number)

    with turns:
        threads = []
        for number in range(8):
            threads.append(in_thread(come, number))
            until(lambda n=number: len(turns._waiting) == n + 1)
        assert order == []
    for thread in threads:
        thread.join(SOON_S)
    assert order == [[number] for number in range(8)]


def test_a_turn_is_lent_while_its_holder_waits():
    turns, others = Turns(patience_s=SOON_S), []

    def come():
        with turns:
            others.append(1)

    with turns:
        with turns.lent():
            in_thread(come).join(SOON_S)
            assert others == [1]
        late = in_thread(come)
        until(lambda: len(turns._waiting) == 1)
        assert others == [1]  # the turn is held again
    late.join(SOON_S)
    assert others == [1, 1]


def test_who_keeps_a_turn_too_long_loses_it():
    turns = Turns(patience_s=0.01)
    came = threading.Event()
    with turns:
        with_patience = in_thread(lambda: _inside(turns, came.set))
        assert came.wait(SOON_S)
        with_patience.join(SOON_S)
    assert turns._holder is None
    with turns:
        assert not turns._waiting


def test_what_is_given_back_late_takes_nothing_from_the_new_holder():
    turns = Turns(patience_s=0.01)
    came, may_go = threading.Event(), threading.Event()

    def come():
        with turns:
            came.set()
            may_go.wait(SOON_S)

    with turns:
        other = in_thread(come)
        assert came.wait(SOON_S)
        holder = turns._holder
    assert turns._holder is holder
    may_go.set()
    other.join(SOON_S)
    assert turns._holder is None


def test_an_error_gives_the_turn_back():
    turns = Turns(patience_s=SOON_S)
    with pytest.raises(ZeroDivisionError), turns, turns.lent():
        raise ZeroDivisionError
    assert turns._holder is None


def test_without_a_turn_there_is_nothing_to_lend():
    with Turns().lent():
        pass


@pytest.mark.django_db
def test_whoever_asks_the_database_lends_its_turn(monkeypatch):
    from django.db import connection

    lent = []

    def execute(*query):
        lent.append(reads._holder is None)
        return query

    assert lend_while_asking in connection.execute_wrappers
    with reads:
        assert reads._holder is not None
        assert lend_while_asking(execute, "SELECT 1", None, False, {}) == ("SELECT 1", None, False, {})
        assert reads._holder is not None
    assert lent == [True]


def _inside(turns, work):
    with turns:
        work()
