"""Past orders with structure: every customer has preferences, and some products are bought together.

A customer prefers two categories; most of a basket comes from there. A product's companion is its successor
in the same category: it lies in the same basket half of the time.
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
    """One fulfilled order with its lines and payment, not stored yet."""

    order: Order
    lines: list[OrderLine]
    payment: Payment
    charge: SandboxCharge


@transaction.atomic
def past_orders_seed(*, orders: int, seed: int = 0) -> int:
    """Store fulfilled orders of the past, whose units came in before they were sold; return how many."""
    categories = _categories()
    first = Order.objects.filter(number__startswith="P").count() + 1
    baskets = (
        (_build_basket(number, categories, seed) for number in range(first, first + orders))
        if categories
        else iter(())
    )
    made, sold = 0, Counter[int]()
    while batch := list(islice(baskets, BATCH)):
        sold.update(_store(batch))
        made += len(batch)
    _raise_initial_stock(sold)
    return made


def _categories() -> dict[int, list[Variant]]:
    categories: dict[int, list[Variant]] = defaultdict(list)
    rows = Variant.objects.select_related("product").filter(position=0).order_by("id")
    for variant in rows[:CANDIDATES]:
        categories[variant.product.category_id].append(variant)
    return dict(categories)


def _build_basket(number: int, categories: dict[int, list[Variant]], seed: int) -> Basket:
    random = Random(number * 104729 + 5 + seed * SEED_STEP)
    customer = random.randrange(CUSTOMERS)
    chosen = dict(_choose_variants(random, Random(customer), categories))
    moment = EPOCH + timedelta(minutes=17 * number)
    total = sum((variant.price * units for variant, units in chosen.items()), Decimal(0))
    order = Order(
        number=f"P{number:015d}",
        email=f"customer-{customer}@example.com",
        state=OrderState.FULFILLED,
        total=total,
        currency=next(iter(chosen)).product.currency,
        created_at=moment,
        expires_at=moment + timedelta(minutes=15),
        paid_at=moment,
    )
    lines = [_line(order, variant, units) for variant, units in chosen.items()]
    return Basket(order=order, lines=lines, payment=_payment(order), charge=_charge(order))


def _choose_variants(
    random: Random, taste: Random, categories: dict[int, list[Variant]]
) -> Iterator[tuple[Variant, int]]:
    liked = taste.sample(sorted(categories), min(2, len(categories)))
    for _ in range(random.choice((1, 1, 2, 3))):
        category = categories[
            random.choice(liked) if random.random() < 0.8 else random.choice(sorted(categories))
        ]
        # Squared: the first products of a category are bought most.
        place = int(random.random() ** 2 * len(category))
        yield category[place], random.choice((1, 1, 1, 2))
        if random.random() < 0.5:
            yield category[(place + 1) % len(category)], 1


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


def _store(batch: list[Basket]) -> Counter[int]:
    Order.objects.bulk_create([basket.order for basket in batch])
    OrderLine.objects.bulk_create([line for basket in batch for line in basket.lines])
    Payment.objects.bulk_create([basket.payment for basket in batch])
    SandboxCharge.objects.bulk_create([basket.charge for basket in batch])
    sold: Counter[int] = Counter()
    for basket in batch:
        for line in basket.lines:
            sold[line.stock_item_id] += line.quantity
    return sold


def _raise_initial_stock(sold: Counter[int]) -> None:
    # The units that were sold had come in before, so today's `on_hand` stays as seeded.
    items: dict[int, list[int]] = defaultdict(list)
    for item_id, units in sold.items():
        items[units].append(item_id)
    for units, item_ids in items.items():
        for start in range(0, len(item_ids), 500):
            rows = StockItem.objects.filter(pk__in=item_ids[start : start + 500])
            rows.update(initial=F("initial") + units)
