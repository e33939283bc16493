"""Connections are shared out evenly among workers, whoever wakes first; reads take turns."""

from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import ThreadWorker

from config.balance import SLOTS, Balance
from config.turns import reads
from config.workers import FairWorker


@pytest.fixture
def balance():
    return Balance()


def test_a_place_is_nobody_elses(balance):
    assert balance.free_slot([]) == 0
    assert balance.free_slot([0, 1, 3]) == 2
    assert balance.free_slot(range(SLOTS)) == 0


@pytest.mark.parametrize(
    ("own", "others", "crowded"),
    [
        (0, [], False),
        (900, [], False),
        (1, [0], False),
        (2, [0], True),
        (8, [8, 8], False),
        (9, [8, 7], True),
        (10, [8, 8], False),
        (11, [8, 30], True),
        (112, [100], False),
        (114, [100], True),
    ],
)
def test_crowded_is_who_has_clearly_more_than_another(balance, own, others, crowded):
    for slot, count in enumerate([own, *others]):
        balance.tell(slot, count)
    assert balance.is_crowded(0) is crowded


def test_nothing_is_left_to_who_is_gone(balance):
    balance.tell(0, 9)
    balance.tell(1, 0)
    assert balance.is_crowded(0)
    balance.leave(1)
    assert not balance.is_crowded(0)


def test_reads_take_turns_and_what_may_bring_a_body_does_not(monkeypatch):
    held = {}

    def handle(self, req, conn):
        held[req.method] = reads._holder is not None
        return conn

    monkeypatch.setattr(ThreadWorker, "handle_request", handle)
    worker = object.__new__(FairWorker)
    for method in ("GET", "HEAD", "POST", "PATCH", "DELETE"):
        assert worker.handle_request(SimpleNamespace(method=method), "kept") == "kept"
    assert held == {"GET": True, "HEAD": True, "POST": False, "PATCH": False, "DELETE": False}
    assert reads._holder is None
