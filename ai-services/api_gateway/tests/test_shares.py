"""What clients share: so much for all, so much for one, and all of it comes back."""

from __future__ import annotations

import pytest

from gateway.problems import Problem
from gateway.proxy.shares import Shares


def test_everything_is_given_and_no_more() -> None:
    shares = Shares(3, 2)
    with shares.open("a") as first, shares.open("b") as second:
        first.take(2)
        second.take(1)
        assert shares.in_use() == 3
        with pytest.raises(Problem) as refused:
            second.take(1)
    problem = refused.value
    assert (problem.status, problem.kind, problem.headers) == (503, "overloaded", {"Retry-After": "1"})


def test_one_client_takes_its_part_alone_however_many_requests_it_sends() -> None:
    shares = Shares(10, 2)
    with shares.open("a") as first, shares.open("a") as second:
        first.take(1)
        second.take(1)
        with pytest.raises(Problem):
            first.take(1)
        assert shares.take("b", 2)


def test_what_a_client_has_and_what_it_wants_are_added() -> None:
    shares = Shares(10, 5)
    assert shares.take("a", 3)
    assert not shares.take("a", 3)
    assert shares.take("a", 2)


def test_what_a_request_took_comes_back_at_its_end_and_nothing_else() -> None:
    shares = Shares(3, 3)
    with shares.open("a") as other:
        other.take(1)
        with pytest.raises(ZeroDivisionError), shares.open("a") as share:
            share.take(1)
            share.take(1)
            raise ZeroDivisionError
        assert shares.in_use() == 1
        assert not shares.take("b", 3)
        assert shares.take("b", 2)


def test_nothing_is_remembered_of_a_client_that_left() -> None:
    shares = Shares(3, 3)
    with shares.open("a") as share:
        share.take(1)
    assert not shares._taken
