"""Past orders with structure in them: every customer has tastes, and some things are bought together.

A customer likes two shelves of the catalogue and one brand; most of a basket comes from there. A product's
companion is its successor on the same shelf: it lies in the same basket half of the time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from random import Random

from django.db import transaction
from django.db.models import F

from catalog.models import StockItem, Variant
from orders.models import Order, OrderLine, OrderState
from payments.models import Payment, PaymentState, SandboxCharge

EPOCH = datetime(2025, 3, 1, tzinfo=UTC)
BATCH = 1000
CUSTOMERS = 400
CANDIDATES = 5000
SEED_STEP = 1_000_003_000_007  # far beyond any order's own number


@dataclass(frozen=True, kw_only=True)
class Basket:
    """One order that was paid and handed over, with all that belongs to it, not stored."""

    order: Order
    lines: list[OrderLine]
    payment: Payment
    charge: SandboxCharge


@transaction.atomic
def past_orders_seed(*, orders: int, seed: int = 0) -> int:
    """Stores fulfilled orders of the past, and what they took from stock came in before; answers how many."""
    shelves = _shelves()
    first = Order.objects.filter(number__startswith="P").count() + 1
    baskets = (
        (_basket(number, shelves, seed) for number in range(first, first + orders)) if shelves else iter(())
    )
    made, sold = 0, Counter[int]()
    while batch := list(islice(baskets, BATCH)):
        sold.update(_stored(batch))
        made += len(batch)
    _came_in_before(sold)
    return made


def _shelves() -> dict[int, list[Variant]]:
    found: dict[int, list[Variant]] = defaultdict(list)
    rows = Variant.objects.select_related("product").filter(position=0).order_by("id")
    for variant in rows[:CANDIDATES]:
        found[variant.product.category_id].append(variant)
    return dict(found)


def _basket(number: int, shelves: dict[int, list[Variant]], seed: int) -> Basket:
    random = Random(number * 104729 + 5 + seed * SEED_STEP)
    customer = random.randrange(CUSTOMERS)
    chosen = dict(_chosen(random, Random(customer), shelves))
    moment = EPOCH + timedelta(minutes=17 * number)
    total = sum((variant.price * units for variant, units in chosen.items()), Decimal(0))
    order = Order(
        number=f"P{number:015d}",
        email=f"customer-{customer}@example.com",
        state=OrderState.FULFILLED,
        total=total,
        currency=next(iter(chosen)).currency,
        created_at=moment,
        expires_at=moment + timedelta(minutes=15),
        paid_at=moment,
    )
    lines = [_line(order, variant, units) for variant, units in chosen.items()]
    return Basket(order=order, lines=lines, payment=_payment(order), charge=_charge(order))


def _chosen(
    random: Random, taste: Random, shelves: dict[int, list[Variant]]
) -> Iterator[tuple[Variant, int]]:
    liked = taste.sample(sorted(shelves), min(2, len(shelves)))
    for _ in range(random.choice((1, 1, 2, 3))):
        shelf = shelves[random.choice(liked) if random.random() < 0.8 else random.choice(sorted(shelves))]
        # Squared: the first things on a shelf are bought most.
        place = int(random.random() ** 2 * len(shelf))
        yield shelf[place], random.choice((1, 1, 1, 2))
        if random.random() < 0.5:
            yield shelf[(place + 1) % len(shelf)], 1


def _line(order: Order, variant: Variant, units: int) -> OrderLine:
    return OrderLine(
        order=order,
        variant=variant,
        stock_item_id=variant.stock_item_id,
        sku=variant.sku,
        name=f"{variant.product.name} {variant.name}".strip(),
        unit_price=variant.price,
        quantity=units,
    )


def _payment(order: Order) -> Payment:
    return Payment(
        order=order,
        reference=f"pay_seed_{order.number}",
        provider="sandbox",
        request_key="seed",
        state=PaymentState.SUCCEEDED,
        amount=order.total,
        currency=order.currency,
        card_last4="4242",
    )


def _charge(order: Order) -> SandboxCharge:
    return SandboxCharge(
        reference=f"pay_seed_{order.number}",
        amount=order.total,
        currency=order.currency,
        outcome="succeeded",
        answers_at=order.expires_at,
        deliveries_left=0,
    )


def _stored(batch: list[Basket]) -> Counter[int]:
    Order.objects.bulk_create([basket.order for basket in batch])
    OrderLine.objects.bulk_create([line for basket in batch for line in basket.lines])
    Payment.objects.bulk_create([basket.payment for basket in batch])
    SandboxCharge.objects.bulk_create([basket.charge for basket in batch])
    sold: Counter[int] = Counter()
    for basket in batch:
        for line in basket.lines:
            sold[line.stock_item_id] += line.quantity
    return sold


def _came_in_before(sold: Counter[int]) -> None:
    # What was sold then had come in before: today's `on_hand` stays what the catalogue's seed says.
    items: dict[int, list[int]] = defaultdict(list)
    for item_id, units in sold.items():
        items[units].append(item_id)
    for units, item_ids in items.items():
        for start in range(0, len(item_ids), 500):
            rows = StockItem.objects.filter(pk__in=item_ids[start : start + 500])
            rows.update(initial=F("initial") + units)
