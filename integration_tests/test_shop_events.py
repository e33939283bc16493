"""Every order's events reach the stream, in order, each with an id of its own."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict

import pytest

from buyers import Buyer, crowd, key, ordered, some, together
from event_stream import Event, after, end, redis
from shop import Service, address

pytestmark = pytest.mark.usefixtures("books_agree")
BUYERS = 6
TOLD_WITHIN_S = 60.0
WAY = [
    "order.placed",
    "order.paid",
    "payment.succeeded",
    "order.refunded",
    "refund.succeeded",
    "payment.refunded",
]


def wait_for_events(since: str, numbers: set[str]) -> list[Event]:
    """Return the orders' events once the last of each is there, repetitions and all.

    Raises:
        AssertionError: some did not come in time.
    """
    found: list[Event] = []
    deadline = time.monotonic() + TOLD_WITHIN_S
    with redis() as connection:
        while True:
            for event in after(connection, since):
                since = event.position
                if event.aggregate.removeprefix("order:") in numbers:
                    found.append(event)
            missing = numbers - {e.aggregate.removeprefix("order:") for e in found if e.type == WAY[-1]}
            if not missing:
                return found
            assert time.monotonic() < deadline, f"not told within {TOLD_WITHIN_S:g} s: {missing}"
            time.sleep(0.05)


def test_every_step_of_every_order_is_an_event_in_order(backend: Service) -> None:
    goods = some(backend, at_least=BUYERS)
    with redis() as connection:
        since = end(connection)

    def whole_way(buyer: Buyer) -> str:
        number = ordered(buyer, goods)
        assert buyer.pay(number, key()).status_code == 201
        assert buyer.send("POST", f"/orders/{number}/refund").status_code == 200
        return number

    with crowd(address("BACKEND_URL"), BUYERS) as buyers:
        numbers = set(together(whole_way, buyers))
    events = wait_for_events(since, numbers)
    once: dict[str, Event] = {}
    for event in events:
        first = once.setdefault(event.event_id, event)
        assert (first.type, first.aggregate, first.payload) == (event.type, event.aggregate, event.payload)
    types = defaultdict(list)
    for event in once.values():
        types[event.aggregate].append(event.type)
    assert types == {f"order:{number}": WAY for number in numbers}


def test_the_trace_of_a_buyer_continues_in_the_event(backend: Service) -> None:
    goods = some(backend, at_least=1)
    trace_id = secrets.token_hex(16)
    with redis() as connection:
        since = end(connection)
    with crowd(address("GATEWAY_URL"), 1) as (buyer,):
        buyer.headers["traceparent"] = f"00-{trace_id}-b7ad6b7169203331-01"
        number = ordered(buyer, goods)
        assert buyer.pay(number, key()).status_code == 201
    placed, *_ = wait_for_events(since, {number})
    assert placed.type == "order.placed"
    assert placed.traceparent.split("-")[1] == trace_id


def test_an_event_says_what_was_bought(backend: Service) -> None:
    goods = some(backend, at_least=2)
    with redis() as connection:
        since = end(connection)
    with crowd(address("BACKEND_URL"), 1) as (buyer,):
        number = ordered(buyer, goods, 2)
        assert buyer.pay(number, key()).status_code == 201
        total = buyer.order(number)["total"]
    placed, *_ = wait_for_events(since, {number})
    assert placed.payload == {
        "number": number,
        "state": "pending_payment",
        "total": total["amount"],
        "currency": total["currency"],
        "lines": [{"sku": goods.sku, "quantity": 2}],
    }
