"""Events reach the stream although the relay, or Redis itself, is killed again and again."""

from __future__ import annotations

import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from crashes import servers
from crashes.books import Books
from crashes.conftest import LONG
from crashes.customers import key, send_until_answered
from crashes.inside.points import Fault
from crashes.processes import until
from crashes.shop import Shop
from crashes.steps import RELAY
from unprotected.protection import Cut, protected_by

EVENT_RELAY = "backend/events/relay.py"
MARK = "    _mark_sent(batch)\n"
SEND = "    try:\n        _send(batch, into_existing)\n"

EVENTS = 1000 if LONG else 100
WAY = ("order.placed", "order.paid", "payment.succeeded", "order.refunded", "payment.refunded")
RANDOM_DEATHS = 30 if LONG else 3
ROUNDS = 5 if LONG else 1
REDIS_DEATHS = 5 if LONG else 1
AT_ONCE = 4


def order_pay_refund(shop: Shop, sku: str) -> None:
    """Order, pay and refund: five events of one aggregate."""
    customer, token = shop.customer(), key()
    number = customer.order(sku)
    assert send_until_answered(lambda: customer.pay(number, token)).status == 201
    assert send_until_answered(lambda: customer.end(number, "refund")).status == 200


@contextmanager
def customers_buying(shop: Shop, sku: str, orders: int) -> Iterator[None]:
    """Let customers buy during the block; raise the error of any that failed."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        people: list[Future[None]] = [pool.submit(order_pay_refund, shop, sku) for _ in range(orders)]
        yield
    for one in people:
        one.result()


def waiting(books: Books) -> int:
    """Return how many events are not relayed yet."""
    ((number,),) = books.rows("SELECT count(*) FROM events_outboxevent WHERE relayed_at IS NULL")
    return int(number)


@pytest.fixture
def relaying(shop: Shop) -> Iterator[None]:
    """End the relay after the test."""
    yield
    shop.worker.end()


def repeated(books: Books) -> int:
    """Wait until every event is relayed; return how many entries of the stream are repetitions.

    Raises:
        AssertionError: a consumer that knows events by their ids does not hear each once, in its
            aggregate's order.
    """
    until(lambda: not waiting(books), "every event is relayed")
    written = books.rows("SELECT event_id::text, aggregate FROM events_outboxevent ORDER BY id")
    entries = books.helper.ask("stream")
    consumed = dict(entries)  # a repeated key keeps the place of its first occurrence
    assert by_aggregate(consumed.items()) == by_aggregate(written)
    assert len(consumed) == len(written)
    return len(entries) - len(consumed)


def by_aggregate(events: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
    """Return the ids of each aggregate's events, in their order."""
    ids = defaultdict(list)
    for event_id, aggregate in events:
        ids[aggregate].append(event_id)
    return ids


@protected_by(
    "events are marked after they were sent",
    Cut(EVENT_RELAY, MARK, ""),
    Cut(EVENT_RELAY, SEND, MARK + SEND),
)
@protected_by(
    "they are sent in the order of their keys",
    Cut(EVENT_RELAY, '.values("aggregate")).order_by("id")', '.values("aggregate")).order_by("-id")'),
)
@pytest.mark.usefixtures("relaying")
def test_events_arrive_although_their_relay_is_killed(
    shop: Shop, books: Books, sku: str, rng: random.Random, counted: Counter[str]
) -> None:
    faults = [fault for step in RELAY for fault in step.faults()] * ROUNDS
    deaths: list[Fault | None] = [*faults, *[None] * RANDOM_DEATHS]
    rng.shuffle(deaths)
    orders = math.ceil(EVENTS / len(WAY) / len(deaths))
    for fault in deaths:
        if fault is None:
            kill_worker_at_random(shop, sku, orders, rng)
        else:
            kill_worker_at(shop, sku, orders, fault)
    counted["relays killed"] += len(deaths)
    counted["events written while relays died"] += orders * len(deaths) * len(WAY)
    shop.start_worker()
    again = repeated(books)
    assert again, "no relay died between sending and marking: nothing was proved"
    counted["events that were relayed more than once"] += again


def kill_worker_at(shop: Shop, sku: str, orders: int, fault: Fault) -> None:
    """Write events, then start a worker that is killed at one step of relaying them."""
    with customers_buying(shop, sku, orders):
        pass
    shop.reached_places()
    shop.start_worker(fault)
    shop.worker.wait_for_kill()
    assert shop.reached_places() == [str(fault)]


def kill_worker_at_random(shop: Shop, sku: str, orders: int, rng: random.Random) -> None:
    """Kill a worker at a random moment while events are written."""
    shop.start_worker()
    with customers_buying(shop, sku, orders):
        time.sleep(rng.uniform(0, 0.4))
        shop.worker.kill()


@protected_by(
    "the stream is written anew",
    Cut(EVENT_RELAY, "        _mark_all_unsent()\n", ""),
)
@pytest.mark.usefixtures("relaying")
def test_events_arrive_although_redis_is_killed(
    shop: Shop, books: Books, sku: str, rng: random.Random, counted: Counter[str]
) -> None:
    redis, port = shop.redis
    shop.start_worker()
    for _ in range(REDIS_DEATHS):
        with customers_buying(shop, sku, AT_ONCE):
            pass
        until(lambda: not waiting(books), "every event is relayed")
        with customers_buying(shop, sku, AT_ONCE):
            time.sleep(rng.uniform(0, 0.2))
            redis.kill()
        with customers_buying(shop, sku, AT_ONCE):
            pass
        assert waiting(books), "Redis was never missed: nothing was proved"
        servers.start_redis(redis, port)
        repeated(books)
    counted["Redis killed"] += REDIS_DEATHS
