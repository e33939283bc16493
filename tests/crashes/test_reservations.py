"""Reservations end while they are being paid, in any interleaving: sold or released, never both."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from crashes.books import PLENTY, SETTLED_WITHIN_S, Books
from crashes.conftest import LONG
from crashes.customers import GOOD, LATE, SILENT, key
from crashes.inside.points import Fault
from crashes.processes import until
from crashes.shop import Shop
from crashes.steps import EXPIRY, PAYMENT
from unprotected.protection import Cut, protected_by

ORDERS = "backend/orders/services.py"
PAYMENTS = "backend/payments/services.py"

RACES = 500 if LONG else 20
ROUNDS = 5 if LONG else 1
AT_ONCE = 8
LISTED_S = 0.02
"""The pause between reading which orders are due and expiring each of them."""


@dataclass(frozen=True, kw_only=True)
class Race:
    """A reservation lasts so many seconds, and its payment begins after so many.

    ``ends_there``: it ends once its payment has come to its pause.
    """

    lasts_s: float
    begins_s: float = 0.0
    card: str = GOOD
    pause: Fault | None = None
    ends_there: bool = False


STARTED = Fault(action="pause=3.5", when="before", place="payments.sandbox:Sandbox.charge")
SOLD = Fault(action="pause=2.0", when="after", place="catalog.stock:stock_sell")
CERTAIN = (
    Race(lasts_s=60),
    Race(lasts_s=0),
    Race(lasts_s=60, pause=STARTED, ends_there=True),
    Race(lasts_s=1.5, pause=SOLD),
)
"""Paid in time, refused, charged too late, and due while it is locked: even a busy machine shows each.

The provider's messages are withheld: a worker that waits with one for a lock does not see what is due. The
lock is given back before the charge comes: until then, the worker waits for it.
"""
DELIVERIES = "payments.deliveries:send_due_webhooks"


def random_race(rng: random.Random) -> Race:
    """Return a random race."""
    step = rng.choice([step for step in PAYMENT if "commit" not in step.name])
    when = rng.choice(("before", "after"))
    pause = Fault(action=f"pause={rng.uniform(0, 0.6):.3f}", when=when, place=step.place, nth=step.nth)
    return Race(
        lasts_s=rng.uniform(0.2, 0.4),
        begins_s=rng.uniform(0, 0.4),
        card=rng.choice((GOOD, GOOD, LATE, SILENT)),
        pause=pause if rng.random() < 0.8 else None,
    )


@contextmanager
def slow_worker(shop: Shop, *, mute: str = "") -> Iterator[None]:
    """Run a worker that pauses before it expires an order."""
    expire = next(step for step in EXPIRY if step.name == "expire the order")
    fault = Fault(action=f"pause={LISTED_S}", when="before", place=expire.place, nth=0)
    shop.start_worker(fault, mute=mute)
    try:
        yield
    finally:
        shop.worker.end()


@protected_by(
    "the money goes back",
    Cut(PAYMENTS, "else PaymentState.REFUNDING", "else PaymentState.DECLINED"),
)
@protected_by(
    "its state is looked at again, twice",
    Cut(ORDERS, "    if order.state != OrderState.PENDING_PAYMENT:", "    if False:"),
    Cut(ORDERS, "    ensure_transition_allowed(order.state, state)\n", ""),
)
@protected_by(
    "the lock of its row",
    Cut(ORDERS, "select_for_update().get(pk=order_id)", "get(pk=order_id)"),
)
def test_what_expires_while_it_is_paid_is_sold_or_released(
    shop: Shop, books: Books, rng: random.Random, counted: Counter[str]
) -> None:
    with slow_worker(shop, mute=DELIVERIES):
        ends = Counter(run_races(shop, books, CERTAIN))
    assert ends.keys() == {"sold", "released", "released and refunded"}
    with slow_worker(shop):
        ends.update(run_races(shop, books, [random_race(rng) for _ in range(RACES - len(CERTAIN))]))
    books.agree()
    for end, number in ends.items():
        counted[f"reservations that ended while they were paid: {end}"] += number


def run_races(shop: Shop, books: Books, races: Sequence[Race]) -> Iterator[str]:
    """Run the races; return how each ended."""
    skus = [add_contended_product(shop, books) for _ in races]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        numbers = list(pool.map(lambda sku, race: run(shop, books, sku, race), skus, races))
    until(lambda: not undecided(books), "every order is decided", within_s=SETTLED_WITHIN_S)
    books.settle()
    return (end_of(books, sku, number) for sku, number in zip(skus, numbers, strict=True))


def add_contended_product(shop: Shop, books: Books) -> str:
    """Create the product of one race, with one unit reserved by another customer; return its SKU.

    Races about one product would wait for each other. Releasing twice would take the other customer's unit
    instead of being refused, which the stock shows.
    """
    sku = books.add_product()
    shop.customer().order(sku)
    return sku


def test_an_order_expires_once_whenever_the_worker_dies(
    shop: Shop, books: Books, sku: str, counted: Counter[str]
) -> None:
    for fault in [fault for step in EXPIRY for fault in step.faults()] * ROUNDS:
        number = shop.customer().order(sku)
        books.rows("UPDATE orders_order SET expires_at = now() WHERE number = %s", number)
        shop.reached_places()
        shop.start_worker(fault)
        shop.worker.wait_for_kill()
        assert shop.reached_places() == [str(fault)]
        books.agree()
        counted["workers that expire orders killed"] += 1
    shop.start_worker()
    until(lambda: not undecided(books), "every order is decided", within_s=SETTLED_WITHIN_S)
    shop.worker.end()
    assert books.stock(sku) == (PLENTY, 0)
    books.agree()


def run(shop: Shop, books: Books, sku: str, race: Race) -> str:
    """Let an order expire while it is paid; return its number."""
    customer = shop.customer()
    number = customer.order(sku)
    end_reservation(books, number, race.lasts_s)
    time.sleep(race.begins_s)
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(end_there, shop, books, number, race)
        answer = customer.pay(number, key(), race.card, race.pause)
    ending.result()
    assert answer.status in {201, 202, 409}, answer.body
    return number


def end_there(shop: Shop, books: Books, number: str, race: Race) -> None:
    """End the reservation of such a race once its payment has come to its pause."""
    if race.pause is not None and race.ends_there:
        pause = race.pause
        until(lambda: shop.has_reached(pause), "the payment has come to its pause")
        end_reservation(books, number, 0)


def end_reservation(books: Books, number: str, in_s: float) -> None:
    """Let an order's reservation end in so many seconds."""
    books.rows(
        "UPDATE orders_order SET expires_at = now() + make_interval(secs => %s) WHERE number = %s",
        in_s,
        number,
    )


def undecided(books: Books) -> list[tuple[object, ...]]:
    """Return the orders that are due and that the worker has not expired yet."""
    return books.rows(
        "SELECT number FROM orders_order WHERE state = 'pending_payment' AND expires_at < now()"
    )


def end_of(books: Books, sku: str, number: str) -> str:
    """Return how an order ended.

    Raises:
        AssertionError: its state, its charge, its stock and its events contradict each other.
    """
    state, told = books.state(number), set(books.events(number))
    assert not {"order.paid", "order.expired"} <= told, f"{number} was both sold and released: {told}"
    if state == "paid":
        assert "order.paid" in told
        assert (books.charges(number), books.stock(sku)) == (1, (PLENTY - 1, 1))
        return "sold"
    assert (state, "order.expired" in told) == ("expired", True), (number, state, told)
    assert books.stock(sku) == (PLENTY, 1)
    return "released and refunded" if books.charges(number) else "released"
