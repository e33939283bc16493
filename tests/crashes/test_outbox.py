"""Events reach the stream although whoever relays them, or Redis itself, is killed again and again."""

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
from crashes.inside.points import Fate
from crashes.people import insist, key
from crashes.processes import until
from crashes.shop import Shop
from crashes.steps import RELAY
from unprotected.protection import Cut, protected_by

EVENT_SERVICES = "backend/events/services.py"
MARK = "        OutboxEvent.objects.filter(pk__in=keys).update(relayed_at=timezone.now())\n"
SEND = "        if not _sent(batch, into_existing=written):\n            break"

EVENTS = 1000 if LONG else 100
WAY = ("order.placed", "order.paid", "payment.succeeded", "order.refunded", "payment.refunded")
RANDOM_DEATHS = 30 if LONG else 3
ROUNDS = 5 if LONG else 1
REDIS_DEATHS = 5 if LONG else 1
AT_ONCE = 4
RELAYED_WITHIN_S = 30.0


def whole_way(shop: Shop, sku: str) -> None:
    """Order, pay, and give back: five events of one aggregate."""
    person, token = shop.person(), key()
    number = person.order(sku)
    assert insist(lambda: person.pay(number, token)).status == 201
    assert insist(lambda: person.end(number, "refund")).status == 200


@contextmanager
def buying(shop: Shop, sku: str, orders: int) -> Iterator[None]:
    """People buy meanwhile; at the end each of them had what was wanted."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        people: list[Future[None]] = [pool.submit(whole_way, shop, sku) for _ in range(orders)]
        yield
    for one in people:
        one.result()


def waiting(books: Books) -> int:
    """Return how many events were not relayed yet."""
    ((number,),) = books.rows("SELECT count(*) FROM events_outboxevent WHERE relayed_at IS NULL")
    return int(number)


@pytest.fixture
def relaying(shop: Shop) -> Iterator[None]:
    """Whatever happens, no relay outlives its test."""
    yield
    shop.worker.end()


def repeated(books: Books) -> int:
    """Return how many entries of the stream are repetitions, once every event is relayed.

    Raises:
        AssertionError: a consumer that knows events by their ids does not hear each once, in its
            aggregate's order.
    """
    until(lambda: not waiting(books), "every event is relayed", within_s=RELAYED_WITHIN_S)
    written = books.rows("SELECT event_id::text, aggregate FROM events_outboxevent ORDER BY id")
    entries = books.clerk.ask("stream")
    consumed = dict(entries)  # a repeated key keeps the place of its first occurrence
    assert by_aggregate(consumed.items()) == by_aggregate(written)
    assert len(consumed) == len(written)
    return len(entries) - len(consumed)


def by_aggregate(events: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
    """Return the ids of each aggregate's events, in their order."""
    found = defaultdict(list)
    for event_id, aggregate in events:
        found[aggregate].append(event_id)
    return found


@protected_by(
    "events are marked after they were sent",
    Cut(EVENT_SERVICES, MARK, ""),
    Cut(EVENT_SERVICES, SEND, f"        keys = [event.pk for event in batch]\n{MARK}{SEND}"),
)
@protected_by(
    "they are sent in the order of their keys",
    Cut(EVENT_SERVICES, '.order_by("id")[:BATCH]', '.order_by("-id")[:BATCH]'),
)
@pytest.mark.usefixtures("relaying")
def test_events_arrive_although_their_relay_is_killed(
    shop: Shop, books: Books, sku: str, dice: random.Random, counted: Counter[str]
) -> None:
    fates = [fate for step in RELAY for fate in step.fates()] * ROUNDS
    deaths: list[Fate | None] = [*fates, *[None] * RANDOM_DEATHS]
    dice.shuffle(deaths)
    orders = math.ceil(EVENTS / len(WAY) / len(deaths))
    for fate in deaths:
        if fate is None:
            dies_at_random(shop, sku, orders, dice)
        else:
            dies_at(shop, sku, orders, fate)
    counted["relays killed"] += len(deaths)
    counted["events written while relays died"] += orders * len(deaths) * len(WAY)
    shop.worker_starts()
    again = repeated(books)
    assert again, "no relay died between sending and marking: nothing was proved"
    counted["events that were relayed more than once"] += again


def dies_at(shop: Shop, sku: str, orders: int, fate: Fate) -> None:
    """Leave events for a worker that dies at one step of relaying them."""
    with buying(shop, sku, orders):
        pass
    shop.noted()
    shop.worker_starts(fate)
    shop.worker.dies()
    assert shop.noted() == [str(fate)]


def dies_at_random(shop: Shop, sku: str, orders: int, dice: random.Random) -> None:
    """Kill a worker at any moment while events come."""
    shop.worker_starts()
    with buying(shop, sku, orders):
        time.sleep(dice.uniform(0, 0.4))
        shop.worker.kill()


@protected_by(
    "the stream is written anew",
    Cut(EVENT_SERVICES, "        _relay_anew()\n", ""),
)
@pytest.mark.usefixtures("relaying")
def test_events_arrive_although_redis_is_killed(
    shop: Shop, books: Books, sku: str, dice: random.Random, counted: Counter[str]
) -> None:
    redis, port = shop.redis
    shop.worker_starts()
    for _ in range(REDIS_DEATHS):
        with buying(shop, sku, AT_ONCE):
            pass
        until(lambda: not waiting(books), "every event is relayed", within_s=RELAYED_WITHIN_S)
        with buying(shop, sku, AT_ONCE):
            time.sleep(dice.uniform(0, 0.2))
            redis.kill()
        with buying(shop, sku, AT_ONCE):
            pass
        assert waiting(books), "Redis was never missed: nothing was proved"
        servers.redis_starts(redis, port)
        repeated(books)
    counted["Redis killed"] += REDIS_DEATHS
