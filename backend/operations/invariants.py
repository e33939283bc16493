"""What must be true of the shop's database at every moment, each as a query for its violations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Count, DecimalField, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat
from django.utils import timezone

from catalog.models import StockAdjustment, StockItem
from core.models import IdempotentResponse
from events.models import OutboxEvent
from operations.purge import EVENTS_AFTER
from orders.models import Order, OrderLine, OrderState
from payments.models import Payment, PaymentState

SOLD = Q(order__state__in=[OrderState.PAID, OrderState.FULFILLED]) | Q(
    order__state=OrderState.REFUNDED, order__restocked=False
)
HALF_A_CENT = Decimal("0.005")  # SQLite sums decimals as floating point
WAS_PAID = (OrderState.PAID, OrderState.FULFILLED)


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """A sentence, and the query for the rows that contradict it."""

    sentence: str
    violations: Callable[[], Iterable[object]]


def _units(condition: Q) -> Coalesce:
    lines = OrderLine.objects.filter(condition, stock_item=OuterRef("pk")).order_by()
    counted = lines.values("stock_item").annotate(units=Sum("quantity")).values("units")
    return Coalesce(Subquery(counted), Value(0))


def _adjusted() -> Coalesce:
    rows = StockAdjustment.objects.filter(stock_item=OuterRef("pk")).order_by()
    return Coalesce(
        Subquery(rows.values("stock_item").annotate(units=Sum("change")).values("units")), Value(0)
    )


def stock_negative() -> QuerySet[StockItem]:
    """Return items with negative numbers, or more reserved than on hand."""
    return StockItem.objects.filter(Q(on_hand__lt=0) | Q(reserved__lt=0) | Q(reserved__gt=F("on_hand")))


def stock_not_conserved() -> QuerySet[StockItem]:
    """Return items with more or fewer units than their history explains."""
    rows = StockItem.objects.annotate(sold=_units(SOLD), adjusted=_adjusted())
    return rows.exclude(on_hand=F("initial") + F("adjusted") - F("sold"))


def stock_reserved_wrongly() -> QuerySet[StockItem]:
    """Return items whose reserved units are not those of the pending orders."""
    pending = _units(Q(order__state=OrderState.PENDING_PAYMENT))
    return StockItem.objects.annotate(pending=pending).exclude(reserved=F("pending"))


def orders_paid_without_money() -> QuerySet[Order]:
    """Return paid orders without exactly one payment that succeeded."""
    succeeded = Count("payments", filter=Q(payments__state=PaymentState.SUCCEEDED))
    return Order.objects.filter(state__in=WAS_PAID).annotate(paid=succeeded).exclude(paid=1)


def money_without_paid_order() -> QuerySet[Payment]:
    """Return payments that succeeded although their order is not paid."""
    return Payment.objects.filter(state=PaymentState.SUCCEEDED).exclude(order__state__in=WAS_PAID)


def orders_charged_twice() -> QuerySet[Order]:
    """Return orders with more than one payment that succeeded."""
    succeeded = Count("payments", filter=Q(payments__state=PaymentState.SUCCEEDED))
    return Order.objects.annotate(paid=succeeded).filter(paid__gt=1)


def payments_of_other_amount() -> QuerySet[Payment]:
    """Return payments whose amount is not that of their order."""
    return Payment.objects.exclude(amount=F("order__total"), currency=F("order__currency"))


def payments_refunded_beyond_amount() -> QuerySet[Payment]:
    """Return payments of which more goes back than came in."""
    return _with_refunds().filter(refunded__gt=F("amount") + HALF_A_CENT)


def payments_refunded_in_part_only() -> QuerySet[Payment]:
    """Return refunded payments of which a part is left, and others of which nothing is."""
    states = (PaymentState.REFUNDING, PaymentState.REFUNDED)
    all_back = Q(refunded__gt=F("amount") - HALF_A_CENT)
    return _with_refunds().filter(
        (Q(state__in=states) & ~all_back) | (Q(state=PaymentState.SUCCEEDED, amount__gt=0) & all_back)
    )


def _with_refunds() -> QuerySet[Payment]:
    money = DecimalField(max_digits=14, decimal_places=2)
    return Payment.objects.annotate(
        refunded=Coalesce(Sum("refunds__amount"), Value(Decimal(0)), output_field=money)
    )


def orders_with_wrong_total() -> QuerySet[Order]:
    """Return orders whose total is not the sum of their lines."""
    money = DecimalField(max_digits=14, decimal_places=2)
    summed = Sum(F("lines__unit_price") * F("lines__quantity"), output_field=money)
    exact = Q(summed__gt=F("total") - HALF_A_CENT, summed__lt=F("total") + HALF_A_CENT)
    return Order.objects.annotate(summed=summed).exclude(exact)


ANNOUNCED_BY = {
    OrderState.PENDING_PAYMENT: "order.placed",
    OrderState.PAID: "order.paid",
    OrderState.FULFILLED: "order.fulfilled",
    OrderState.CANCELLED: "order.cancelled",
    OrderState.EXPIRED: "order.expired",
    OrderState.REFUNDED: "order.refunded",
}
REMEMBERED = EVENTS_AFTER - timedelta(days=1)
"""Orders that are older may have lost their events to the purge."""


def orders_not_announced() -> Iterator[Order]:
    """Yield orders whose state has no event in the outbox."""
    recent = Order.objects.filter(created_at__gte=timezone.now() - REMEMBERED)
    for state, type in ANNOUNCED_BY.items():
        aggregate = Concat(Value("order:"), OuterRef("number"))
        announced = OutboxEvent.objects.filter(aggregate=aggregate, type=type)
        yield from recent.filter(~Exists(announced), state=state)


def responses_naming_nothing() -> Iterator[IdempotentResponse]:
    """Yield stored responses that name an order or a payment that does not exist."""
    for response in IdempotentResponse.objects.filter(status__in=(201, 202)).iterator():
        content = json.loads(bytes(response.body))
        order, payment = content.get("number"), content.get("reference")
        if (order and not Order.objects.filter(number=order).exists()) or (
            payment and not Payment.objects.filter(reference=payment).exists()
        ):
            yield response


INVARIANTS = (
    Invariant(sentence="No stock is negative or reserved beyond what is on hand", violations=stock_negative),
    Invariant(sentence="On hand = initial + adjustments - sold", violations=stock_not_conserved),
    Invariant(sentence="Reserved = units of pending orders", violations=stock_reserved_wrongly),
    Invariant(sentence="A paid order has one payment that succeeded", violations=orders_paid_without_money),
    Invariant(sentence="A succeeded payment belongs to a paid order", violations=money_without_paid_order),
    Invariant(sentence="No order is charged twice", violations=orders_charged_twice),
    Invariant(sentence="A payment's amount is its order's total", violations=payments_of_other_amount),
    Invariant(sentence="No more goes back than was paid", violations=payments_refunded_beyond_amount),
    Invariant(sentence="A refunded payment went back in full", violations=payments_refunded_in_part_only),
    Invariant(sentence="An order's total is the sum of its lines", violations=orders_with_wrong_total),
    Invariant(sentence="Every order's state is announced in the outbox", violations=orders_not_announced),
    Invariant(sentence="A stored response names what exists", violations=responses_naming_nothing),
)
