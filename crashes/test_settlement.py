"""The process that settles payments is killed at each step: what it left is finished once by the next one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from crashes.books import PLENTY, Books
from crashes.conftest import LONG
from crashes.inside.points import Fate
from crashes.people import SILENT, Lost, Person, insist, key
from crashes.processes import until
from crashes.shop import Shop
from crashes.steps import REFUND_SENT, RESENDING, SETTLEMENT, Step

ROUNDS = 9 if LONG else 1
DELIVERIES = "payments.deliveries:send_due_webhooks"
"""The provider's messages are withheld: the worker has to ask."""


def fates(steps: Sequence[Step]) -> list[Fate]:
    return [fate for step in steps for fate in step.fates()] * ROUNDS


def worker_dies(shop: Shop, books: Books, fate: Fate, counted: Counter[str]) -> None:
    """Let the worker take up what was left long ago, and die over it."""
    books.rows("UPDATE payments_payment SET updated_at = now() - interval '1 minute'")
    shop.noted()
    shop.worker_starts(fate, mute=DELIVERIES)
    shop.worker.dies()
    assert shop.noted() == [str(fate)]
    books.agree(settled=False)
    counted["workers that settle payments killed"] += 1


def worker_finishes(shop: Shop, books: Books) -> None:
    """Let a worker that lives do all that is left."""
    books.rows("UPDATE payments_payment SET updated_at = now() - interval '1 minute'")
    shop.worker_starts(mute=DELIVERIES)
    books.settle()
    shop.worker.end()
    books.agree()


def charged_in_silence(person: Person, sku: str) -> str:
    """Answer the number of an order whose charge succeeded, which the provider did not say."""
    number, token = person.order(sku), key()
    assert insist(lambda: person.pay(number, token, SILENT)).status == 202
    return number


def refund_left_unsent(shop: Shop, person: Person, sku: str) -> str:
    """Answer the number of an order whose refund was decided by a process that died."""
    number, token = person.order(sku), key()
    assert insist(lambda: person.pay(number, token)).status == 201
    before = shop.web.workers()
    with pytest.raises(Lost):
        person.end(number, "refund", Fate(action="kill", when="before", place=REFUND_SENT))
    until(lambda: bool(before - shop.web.workers()), "a worker of Gunicorn has died")
    return number


def test_a_payment_is_settled_once_whenever_the_worker_dies(
    shop: Shop, books: Books, sku: str, counted: Counter[str]
) -> None:
    numbers = []
    for fate in fates(SETTLEMENT):
        numbers.append(charged_in_silence(shop.person(), sku))
        worker_dies(shop, books, fate, counted)
    worker_finishes(shop, books)
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
    for fate in fates(RESENDING):
        numbers.append(refund_left_unsent(shop, shop.person(), sku))
        worker_dies(shop, books, fate, counted)
    worker_finishes(shop, books)
    for number in numbers:
        assert (books.state(number), books.charges(number)) == ("refunded", 1)
        assert books.events(number)[-1] == "payment.refunded"
    assert books.stock(sku) == (PLENTY, 0)
