"""A worker is killed at each named step of each request; whoever waits for the answer asks again.

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
from crashes.inside.points import Fate
from crashes.people import LATE, Answer, Lost, Person, ask, insist, key
from crashes.processes import until
from crashes.shop import WEBHOOK_SECRET, Shop
from crashes.steps import CHECKOUT, LATE_SUCCESS, PAYMENT, REFUND, WEBHOOK, Step
from unprotected.protection import Cut, protected_by

IDEMPOTENCY = "backend/core/idempotency.py"
ORDERS_API = "backend/orders/api.py"
ORDERS = "backend/orders/services.py"
PAYMENTS = "backend/payments/services.py"
SETTLE = "    payment_settle(reference=message.reference, outcome=message.outcome)\n"

KILLS = 100
"""In the long form, for each list of steps, at least."""
FORSAKEN = [fate for step in PAYMENT if step.words in {"ask the provider", "settle"} for fate in step.fates()]
"""Steps that are reached even where the worker process has settled the payment already."""


def each(steps: Sequence[Step]) -> pytest.MarkDecorator:
    """Before and after every step; in the long form again and again."""
    fates = [(f"{fate.when}: {step.words}", fate) for step in steps for fate in step.fates()]
    rounds = math.ceil(KILLS / len(fates)) if LONG else 1
    return pytest.mark.parametrize("fate", [pytest.param(fate, id=name) for name, fate in fates * rounds])


@pytest.fixture
def killed(shop: Shop, counted: Counter[str]) -> Callable[[Fate, Callable[[Fate | None], Answer]], Answer]:
    """Send a request whose worker dies, and send it again until it is answered."""

    def send(fate: Fate, request: Callable[[Fate | None], Answer]) -> Answer:
        before = shop.web.workers()
        with pytest.raises(Lost):
            request(fate)
        assert shop.noted() == [str(fate)], "the step was never reached"
        until(lambda: bool(before - shop.web.workers()), "a worker of Gunicorn has died")
        counted["workers killed"] += 1
        return insist(lambda: request(None))

    return send


Killed = Callable[[Fate, Callable[[Fate | None], Answer]], Answer]


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
        '    _tell(order, "order.placed")',
        '    transaction.on_commit(lambda: _tell(order, "order.placed"))',
    ),
    any_case=True,
)
@each(CHECKOUT)
def test_a_checkout_happens_once_whenever_its_worker_dies(
    shop: Shop, books: Books, sku: str, fate: Fate, killed: Killed
) -> None:
    person, token = shop.person(), key()
    person.put(sku)
    answer = killed(fate, lambda fate: person.check_out(token, fate))
    assert answer.status == 201, answer.body
    assert insist(lambda: person.check_out(token)) == answer
    number = answer.json["number"]
    assert [order["number"] for order in person.orders()] == [number]
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
    Cut(PAYMENTS, "    if again:  #", "    if again and again.state not in OPEN:  #"),
    any_case=True,
)
@each(PAYMENT)
def test_a_payment_happens_once_whenever_its_worker_dies(
    shop: Shop, books: Books, sku: str, fate: Fate, killed: Killed
) -> None:
    person, token = shop.person(), key()
    number = person.order(sku)
    answer = killed(fate, lambda fate: person.pay(number, token, fate=fate))
    assert answer.status == 201, answer.body
    assert insist(lambda: person.pay(number, token)) == answer
    assert (books.state(number), books.charges(number)) == ("paid", 1)
    assert books.stock(sku) == (PLENTY - 1, 0)
    assert books.events(number) == ["order.placed", "order.paid", "payment.succeeded"]
    books.agree(settled=False)


def told(shop: Shop, books: Books, number: str, fate: Fate | None) -> Answer:
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
    headers |= {"X-Crash": str(fate)} if fate else {}
    return ask(shop.web.port, "POST", "/api/v1/payments/webhooks/sandbox", body, headers)


def undecided(person: Person, sku: str) -> str:
    """Return the number of an order of whose payment the provider has said nothing yet."""
    number = person.order(sku)
    token = key()
    assert insist(lambda: person.pay(number, token, LATE)).status == 202
    return number


@protected_by(
    "a message is kept after its effect",
    Cut(
        PAYMENTS,
        SETTLE + "    return _message_kept(provider, message)\n",
        "    fresh = _message_kept(provider, message)\n" + SETTLE + "    return fresh\n",
    ),
    any_case=True,
)
@each(WEBHOOK)
def test_a_message_takes_effect_once_whenever_its_worker_dies(
    shop: Shop, books: Books, sku: str, fate: Fate, killed: Killed
) -> None:
    number = undecided(shop.person(), sku)
    assert killed(fate, lambda fate: told(shop, books, number, fate)).status == 200
    assert (books.state(number), books.charges(number)) == ("paid", 1)
    assert books.stock(sku) == (PLENTY - 1, 0)
    assert books.events(number) == ["order.placed", "payment.pending", "order.paid", "payment.succeeded"]
    books.agree(settled=False)


@each(REFUND)
def test_money_goes_back_once_whenever_the_worker_dies(
    shop: Shop, books: Books, sku: str, fate: Fate, killed: Killed
) -> None:
    person, token = shop.person(), key()
    number = person.order(sku)
    assert insist(lambda: person.pay(number, token)).status == 201
    books.rows("UPDATE payments_sandboxcharge SET deliveries_left = 0")  # no message comes to the rescue
    answer = killed(fate, lambda fate: person.end(number, "refund", fate))
    assert answer.status in {200, 409}, answer.body
    assert (books.state(number), books.charges(number)) == ("refunded", 1)
    assert books.stock(sku) == (PLENTY, 0)
    books.agree(settled=False)


@each(LATE_SUCCESS)
def test_money_for_a_cancelled_order_goes_back_whenever_the_worker_dies(
    shop: Shop, books: Books, sku: str, fate: Fate, killed: Killed
) -> None:
    person = shop.person()
    number = undecided(person, sku)
    assert insist(lambda: person.end(number, "cancel")).status == 200
    assert killed(fate, lambda fate: told(shop, books, number, fate)).status == 200
    assert (books.state(number), books.charges(number)) == ("cancelled", 1)
    assert books.stock(sku) == (PLENTY, 0)
    books.agree(settled=False)


@pytest.mark.usefixtures("worker")
def test_what_nobody_asks_for_again_is_finished_by_the_worker(
    shop: Shop, books: Books, sku: str, counted: Counter[str], killed: Killed
) -> None:
    numbers = {}
    for fate in FORSAKEN * (KILLS // len(FORSAKEN) if LONG else 1):
        person, token = shop.person(), key()
        asked_again = person.order(sku)
        killed(fate, lambda fate: person.pay(asked_again, token, fate=fate))  # noqa: B023 - called here
        forsaken = person.order(sku)
        with pytest.raises(Lost):
            person.pay(forsaken, key(), fate=fate)
        assert shop.noted() == [str(fate)], "the step was never reached"
        counted["workers killed, and never asked again"] += 1
        numbers[forsaken], numbers[asked_again] = {("paid", 1), ("pending_payment", 0)}, {("paid", 1)}
    books.settle()
    books.agree()
    for number, fitting in numbers.items():
        assert (books.state(number), books.charges(number)) in fitting
    assert Counter(map(books.state, numbers)).keys() == {"paid", "pending_payment"}


@protected_by(
    "the worker process sends it again",
    Cut(PAYMENTS, "unsent[:200]", "unsent[:0]"),
    after=["test_money_goes_back_once_whenever_the_worker_dies"],
)
@pytest.mark.usefixtures("worker")
def test_nothing_stays_open_after_all_these_deaths(books: Books) -> None:
    books.settle()
    books.agree()
