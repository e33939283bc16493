"""The process that settles payments is killed at each step; its successor finishes the work exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from crashes.books import PLENTY, Books
from crashes.conftest import LONG
from crashes.customers import SILENT, Customer, NoResponse, key, send_until_answered
from crashes.inside.points import Fault
from crashes.processes import until
from crashes.shop import Shop
from crashes.steps import REFUND_SENT, RESENDING, SETTLEMENT, Step

ROUNDS = 9 if LONG else 1
DELIVERIES = "payments.deliveries:send_due_webhooks"
"""Muted: without the provider's webhooks the worker has to ask."""


def faults_at(steps: Sequence[Step]) -> list[Fault]:
    return [fault for step in steps for fault in step.faults()] * ROUNDS


def kill_worker_at(shop: Shop, books: Books, fault: Fault, counted: Counter[str]) -> None:
    """Make every payment old, and start a worker that is killed while it settles them."""
    books.rows("UPDATE payments_payment SET updated_at = now() - interval '1 minute'")
    shop.reached_places()
    shop.start_worker(fault, mute=DELIVERIES)
    shop.worker.wait_for_kill()
    assert shop.reached_places() == [str(fault)]
    books.agree(settled=False)
    counted["workers that settle payments killed"] += 1


def finish_with_worker(shop: Shop, books: Books) -> None:
    """Let a worker settle everything that is open."""
    books.rows("UPDATE payments_payment SET updated_at = now() - interval '1 minute'")
    shop.start_worker(mute=DELIVERIES)
    books.settle()
    shop.worker.end()
    books.agree()


def start_silent_payment(customer: Customer, sku: str) -> str:
    """Pay an order of which the provider never reports the result; return its number."""
    number, token = customer.order(sku), key()
    assert send_until_answered(lambda: customer.pay(number, token, SILENT)).status == 202
    return number


def leave_refund_unsent(shop: Shop, customer: Customer, sku: str) -> str:
    """Refund an order and kill the process before it sends the refund; return the order's number."""
    number, token = customer.order(sku), key()
    assert send_until_answered(lambda: customer.pay(number, token)).status == 201
    before = shop.web.workers()
    with pytest.raises(NoResponse):
        customer.end(number, "refund", Fault(action="kill", when="before", place=REFUND_SENT))
    until(lambda: bool(before - shop.web.workers()), "a worker of Gunicorn has died")
    return number


def test_a_payment_is_settled_once_whenever_the_worker_dies(
    shop: Shop, books: Books, sku: str, counted: Counter[str]
) -> None:
    numbers = []
    for fault in faults_at(SETTLEMENT):
        numbers.append(start_silent_payment(shop.customer(), sku))
        kill_worker_at(shop, books, fault, counted)
    finish_with_worker(shop, books)
    for number in numbers:
        assert (books.state(number), books.charges(number)) == ("paid", 1)
        assert books.events(number) == [
            "order.placed",
            "payment.pending",
            "order.paid",
            "payment.succeeded",
        ]
    assert books.stock(sku) == (PLENTY - len(numbers), 0)


def test_money_goes_back_once_whenever_the_worker_dies(
    shop: Shop, books: Books, sku: str, counted: Counter[str]
) -> None:
    numbers = []
    for fault in faults_at(RESENDING):
        numbers.append(leave_refund_unsent(shop, shop.customer(), sku))
        kill_worker_at(shop, books, fault, counted)
    finish_with_worker(shop, books)
    for number in numbers:
        assert (books.state(number), books.charges(number)) == ("refunded", 1)
        assert books.events(number)[-1] == "payment.refunded"
    assert books.stock(sku) == (PLENTY, 0)
