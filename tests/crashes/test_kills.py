"""A worker is killed at each named step of each request; the client sends the request again.

The shop's other worker, the process that settles payments, comes last: it would race for the steps.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from crashes.books import PLENTY, Books
from crashes.conftest import LONG
from crashes.customers import LATE, Customer, NoResponse, Response, ask, key, send_until_answered
from crashes.inside.points import Fault
from crashes.processes import until
from crashes.shop import WEBHOOK_SECRET, Shop
from crashes.steps import CHECKOUT, LATE_SUCCESS, PAYMENT, REFUND, WEBHOOK, Step
from unprotected.protection import Cut, protected_by

IDEMPOTENCY = "backend/core/idempotency.py"
ORDERS_API = "backend/orders/api.py"
ORDERS = "backend/orders/services.py"
PAYMENTS = "backend/payments/services.py"
SETTLE = "    _settle(payment, message)\n"

KILLS = 100
"""At least so many for each list of steps, in the long form."""
ABANDONED = [
    fault for step in PAYMENT if step.name in {"charge at the provider", "settle"} for fault in step.faults()
]
"""Faults at steps that are reached even where the worker process has settled the payment already."""


def each(steps: Sequence[Step]) -> pytest.MarkDecorator:
    """Parametrize a test by a kill before and after every step; in the long form again and again."""
    faults = [(f"{fault.when}: {step.name}", fault) for step in steps for fault in step.faults()]
    rounds = math.ceil(KILLS / len(faults)) if LONG else 1
    return pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in faults * rounds])


@pytest.fixture
def killed(
    shop: Shop, counted: Counter[str]
) -> Callable[[Fault, Callable[[Fault | None], Response]], Response]:
    """Send a request that kills its worker, then send it again until it is answered."""

    def send(fault: Fault, request: Callable[[Fault | None], Response]) -> Response:
        before = shop.web.workers()
        with pytest.raises(NoResponse):
            request(fault)
        assert shop.reached_places() == [str(fault)], "the step was never reached"
        until(lambda: bool(before - shop.web.workers()), "a worker of Gunicorn has died")
        counted["workers killed"] += 1
        return send_until_answered(lambda: request(None))

    return send


Killed = Callable[[Fault, Callable[[Fault | None], Response]], Response]


@protected_by(
    "the first answer is kept",
    Cut(IDEMPOTENCY, "    if row is None:", "    if row is row:"),
    any_case=True,
)
@protected_by(
    "both are of one transaction",
    Cut(ORDERS_API, "atomic=True", "atomic=False"),
    any_case=True,
)
@protected_by(
    "both are of one transaction",
    Cut(
        ORDERS,
        '    _record_event(order, "order.placed")',
        '    transaction.on_commit(lambda: _record_event(order, "order.placed"))',
    ),
    any_case=True,
)
@each(CHECKOUT)
def test_a_checkout_happens_once_whenever_its_worker_dies(
    shop: Shop, books: Books, sku: str, fault: Fault, killed: Killed
) -> None:
    customer, token = shop.customer(), key()
    customer.put(sku)
    answer = killed(fault, lambda fault: customer.check_out(token, fault))
    assert answer.status == 201, answer.body
    assert send_until_answered(lambda: customer.check_out(token)) == answer
    number = answer.json["number"]
    assert [order["number"] for order in customer.orders()] == [number]
    assert books.stock(sku) == (PLENTY, 1)
    assert books.events(number) == ["order.placed"]
    books.agree(settled=False)


@protected_by(
    "the provider is asked outside of any transaction",
    Cut(PAYMENTS, "def payment_make(", "@transaction.atomic\ndef payment_make("),
    any_case=True,
)
@protected_by(
    "the second request goes on with the payment of the first",
    Cut(PAYMENTS, "    if earlier:  #", "    if earlier and earlier.state not in OPEN:  #"),
    any_case=True,
)
@each(PAYMENT)
def test_a_payment_happens_once_whenever_its_worker_dies(
    shop: Shop, books: Books, sku: str, fault: Fault, killed: Killed
) -> None:
    customer, token = shop.customer(), key()
    number = customer.order(sku)
    answer = killed(fault, lambda fault: customer.pay(number, token, fault=fault))
    assert answer.status == 201, answer.body
    assert send_until_answered(lambda: customer.pay(number, token)) == answer
    assert (books.state(number), books.charges(number)) == ("paid", 1)
    assert books.stock(sku) == (PLENTY - 1, 0)
    assert books.events(number) == ["order.placed", "order.paid", "payment.succeeded"]
    books.agree(settled=False)


def send_webhook(shop: Shop, books: Books, number: str, fault: Fault | None) -> Response:
    """Send the provider's message that the order's payment succeeded."""
    ((reference, amount),) = books.rows(
        "SELECT reference, p.amount FROM payments_payment p JOIN orders_order o ON o.id = p.order_id"
        " WHERE o.number = %s",
        number,
    )
    data = {"reference": reference, "amount": str(amount), "currency": "EUR"}
    message = {"id": f"evt_{reference}", "type": "payment.succeeded", "data": data}
    body, now = json.dumps(message).encode(), str(int(time.time()))
    seal = hmac.new(WEBHOOK_SECRET.encode(), now.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Sandbox-Signature": f"t={now},v1={seal}"}
    headers |= {"X-Crash": str(fault)} if fault else {}
    return ask(shop.web.port, "POST", "/api/v1/payments/webhooks/sandbox", body, headers)


def start_undecided_payment(customer: Customer, sku: str) -> str:
    """Pay an order of which the provider has not reported the result yet; return its number."""
    number = customer.order(sku)
    token = key()
    assert send_until_answered(lambda: customer.pay(number, token, LATE)).status == 202
    return number


@protected_by(
    "a message is kept after its effect",
    Cut(
        "backend/payments/webhooks.py",
        SETTLE + "    return _store_message(provider, message)\n",
        "    fresh = _store_message(provider, message)\n" + SETTLE + "    return fresh\n",
    ),
    any_case=True,
)
@each(WEBHOOK)
def test_a_message_takes_effect_once_whenever_its_worker_dies(
    shop: Shop, books: Books, sku: str, fault: Fault, killed: Killed
) -> None:
    number = start_undecided_payment(shop.customer(), sku)
    assert killed(fault, lambda fault: send_webhook(shop, books, number, fault)).status == 200
    assert (books.state(number), books.charges(number)) == ("paid", 1)
    assert books.stock(sku) == (PLENTY - 1, 0)
    assert books.events(number) == ["order.placed", "payment.pending", "order.paid", "payment.succeeded"]
    books.agree(settled=False)


@each(REFUND)
def test_money_goes_back_once_whenever_the_worker_dies(
    shop: Shop, books: Books, sku: str, fault: Fault, killed: Killed
) -> None:
    customer, token = shop.customer(), key()
    number = customer.order(sku)
    assert send_until_answered(lambda: customer.pay(number, token)).status == 201
    books.rows("UPDATE payments_sandboxcharge SET deliveries_left = 0")  # no message comes to the rescue
    answer = killed(fault, lambda fault: customer.end(number, "refund", fault))
    assert answer.status in {200, 409}, answer.body
    assert (books.state(number), books.charges(number)) == ("refunded", 1)
    assert books.stock(sku) == (PLENTY, 0)
    books.agree(settled=False)


@each(LATE_SUCCESS)
def test_money_for_a_cancelled_order_goes_back_whenever_the_worker_dies(
    shop: Shop, books: Books, sku: str, fault: Fault, killed: Killed
) -> None:
    customer = shop.customer()
    number = start_undecided_payment(customer, sku)
    assert send_until_answered(lambda: customer.end(number, "cancel")).status == 200
    assert killed(fault, lambda fault: send_webhook(shop, books, number, fault)).status == 200
    assert (books.state(number), books.charges(number)) == ("cancelled", 1)
    assert books.stock(sku) == (PLENTY, 0)
    books.agree(settled=False)


@pytest.mark.usefixtures("worker")
def test_a_payment_that_the_client_abandons_is_finished_by_the_worker(
    shop: Shop, books: Books, sku: str, counted: Counter[str], killed: Killed
) -> None:
    numbers = {}
    for fault in ABANDONED * (KILLS // len(ABANDONED) if LONG else 1):
        customer, token = shop.customer(), key()
        asked_again = customer.order(sku)
        killed(fault, lambda fault: customer.pay(asked_again, token, fault=fault))  # noqa: B023 - called here
        abandoned = customer.order(sku)
        with pytest.raises(NoResponse):
            customer.pay(abandoned, key(), fault=fault)
        assert shop.reached_places() == [str(fault)], "the step was never reached"
        counted["workers killed, and never asked again"] += 1
        numbers[abandoned], numbers[asked_again] = {("paid", 1), ("pending_payment", 0)}, {("paid", 1)}
    books.settle()
    books.agree()
    for number, fitting in numbers.items():
        assert (books.state(number), books.charges(number)) in fitting
    assert Counter(map(books.state, numbers)).keys() == {"paid", "pending_payment"}


@protected_by(
    "the worker process sends it again",
    Cut(PAYMENTS, "run_due(_reconcile_payment, unsent)", "run_due(_reconcile_payment, unsent.none())"),
    after=["test_money_goes_back_once_whenever_the_worker_dies"],
)
@pytest.mark.usefixtures("worker")
def test_nothing_stays_open_after_all_these_deaths(books: Books) -> None:
    books.settle()
    books.agree()
