"""Every order's events reach the stream, in order, each with an id of its own."""

from __future__ import annotations

import secrets
from collections import defaultdict

import pytest

from buyers import Buyer, crowd, key, ordered, some, together
from event_stream import Event, after, end, redis
from patience import worker
from shop import Service, address

pytestmark = pytest.mark.usefixtures("books_agree")
BUYERS = 6
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
    missing = set(numbers)
    position = since

    def all_came() -> bool:
        nonlocal position
        for event in after(connection, position):
            position, number = event.position, event.aggregate.removeprefix("order:")
            if number in numbers:
                found.append(event)
                missing.difference_update({number} if event.type == WAY[-1] else ())
        return not missing

    with redis() as connection:
        worker.wait_until(
            all_came, lambda: f"the worker's events of {len(missing)} orders in Redis ({min(missing)}, ...)"
        )
    return found


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
