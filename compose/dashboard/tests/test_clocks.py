"""A trace whose services have clocks of their own."""

from __future__ import annotations

from typing import Any

from dashboard.clocks import aligned

HOUR = 3_600_000


def span(name: str, parent: str, start: int, end: int, *, service: str = "", kind: int = 2) -> dict[str, Any]:
    times = {"start_ns": start, "end_ns": end}
    return {"span_id": name, "parent_id": parent, "service": service or name, "kind": kind, **times}


def times(*spans: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return from when to when each span is shown."""
    return {row["span_id"]: (row["start_ns"], row["end_ns"]) for row in aligned(spans)}


def call(late: int = 0) -> list[dict[str, Any]]:
    """A call of 100 that a service answers in 80, by a clock that is so much later."""
    answer = span("backend", "call", 10 + late, 90 + late)
    query = span("query", "backend", 20 + late, 30 + late, service="backend", kind=3)
    return [span("call", "", 0, 100, service="gateway", kind=3), answer, query]


def test_where_the_clocks_agree_nothing_is_moved() -> None:
    assert times(*call()) == {"call": (0, 100), "backend": (10, 90), "query": (20, 30)}
    assert {row["moved_ns"] for row in aligned(call())} == {0}


def test_what_a_clock_that_is_ahead_or_behind_timed_is_put_into_its_call() -> None:
    for late in (HOUR, -HOUR):
        assert times(*call(late)) == times(*call())
        assert [row["moved_ns"] for row in aligned(call(late))] == [0, -late, -late]


def test_work_that_follows_later_is_not_moved() -> None:
    """The event of an order is relayed after its request; nobody waited for that."""
    assert times(*call(), span("relay", "backend", 500, 510))["relay"] == (500, 510)


def test_below_a_clock_that_differs_one_that_does_not_is_left_alone() -> None:
    payment = span("payment", "query", 22, 28)
    assert times(*call(HOUR), payment)["payment"] == (22, 28)


def test_an_answer_that_took_longer_than_its_call_begins_with_it() -> None:
    assert times(span("call", "", 0, 10, kind=3), span("web", "call", HOUR, HOUR + 50))["web"] == (0, 50)


def test_spans_that_are_their_own_ancestors_stay_where_they_are() -> None:
    circle = [span("a", "b", 5, 6), span("b", "a", 1, 2), span("c", "c", 3, 4)]
    assert [row["span_id"] for row in aligned(circle)] == ["b", "c", "a"]


def test_a_deep_trace_is_no_recursion() -> None:
    deep = [span(str(number), str(number - 1), number, number + 1) for number in range(5_000)]
    assert len(aligned(deep)) == 5_000
