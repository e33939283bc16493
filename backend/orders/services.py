"""Changes of orders. Every function locks the order's row first, and only then touches stock."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from carts.access import Buyer, get_cart
from carts.models import Cart
from carts.selectors import LineView, cart_view
from catalog import stock
from catalog.models import StockItem
from config import tracing
from core.problems import Conflict, NotFound, Problem
from core.rounds import run_due
from events.services import event_record
from orders.models import Order, OrderLine, OrderState
from orders.transitions import ensure_transition_allowed

MAXIMUM_TOTAL = Decimal("999999999999.99")


class CartEmpty(Conflict):
    """The cart has no lines."""

    kind = "cart-empty"


class LinesUnavailable(Conflict):
    """Some lines are not available any more."""

    kind = "out-of-stock"


class TotalTooLarge(Conflict):
    """The total is beyond what an order can hold."""

    kind = "total-too-large"


class EmailMissing(Problem):
    """A buyer without an account gave no email address."""

    status, kind = 422, "validation"


@transaction.atomic
def order_place(*, buyer: Buyer, email: str) -> Order:
    """Turn the buyer's cart into an order whose stock is reserved, and empty the cart.

    Raises: CartEmpty, LinesUnavailable, TotalTooLarge, EmailMissing, NotFound.
    """
    cart = _lock_cart(buyer)
    lines = cart_view(cart=cart).lines
    if not lines:
        raise CartEmpty("The cart is empty.")
    _reject_lines([view for view in lines if view.notice])
    address = email or (buyer.user.email if buyer.user else "")
    if not address:
        errors = [{"location": ["body", "email"], "message": "Required without an account"}]
        raise EmailMissing("Provide an email address for order updates.", errors=errors)
    order = _store_order(buyer, lines, address)
    tracing.describe(order=order.number)
    try:
        stock.stock_reserve(units=order.units())
        if buyer.user is None:
            _ensure_anonymous_share(order)
    except stock.OutOfStock as shortage:
        _reject_lines([view for view in lines if view.line.variant.stock_item_id == shortage.item_id])
    cart.lines.all().delete()
    _record_event(order, "order.placed")
    return order


def _ensure_anonymous_share(order: Order) -> None:
    # After reserving: the lock of the stock's row makes those who come at the same moment count each other.
    for item in StockItem.objects.filter(pk__in=order.units()):
        lines = OrderLine.objects.filter(
            stock_item=item, order__user=None, order__state=OrderState.PENDING_PAYMENT
        )
        held = lines.aggregate(units=Sum("quantity"))["units"] or 0
        if held > math.ceil(item.on_hand * settings.ANONYMOUS_SHARE_PERCENT / 100):
            raise stock.OutOfStock(item.pk)


def _lock_cart(buyer: Buyer) -> Cart:
    cart = get_cart(buyer)
    locked = Cart.objects.select_for_update().filter(pk=cart.pk).first() if cart else None
    if locked is None:
        raise NotFound("There is no cart: add a product first, or send its token as X-Cart-Token.")
    return locked


def _reject_lines(views: list[LineView]) -> None:
    if views:
        errors = [
            {"location": ["cart", view.line.variant.sku], "message": view.notice or "not-enough"}
            for view in views
        ]
        raise LinesUnavailable("Some lines of the cart are not available any more.", errors=errors)


def _store_order(buyer: Buyer, lines: list[LineView], email: str) -> Order:
    total = sum(view.total for view in lines)
    if total > MAXIMUM_TOTAL:
        raise TotalTooLarge("The total is too large for one order: leave some of it to another.")
    order = Order.objects.create(
        user=buyer.user,
        token_digest="" if buyer.user else buyer.token_digest,
        email=email,
        total=total,
        currency=settings.SHOP_CURRENCY,
        expires_at=timezone.now() + timedelta(seconds=settings.RESERVATION_S),
    )
    OrderLine.objects.bulk_create(_copy_line(order, view) for view in lines)
    return order


def _copy_line(order: Order, view: LineView) -> OrderLine:
    variant = view.line.variant
    return OrderLine(
        order=order,
        variant=variant,
        stock_item_id=variant.stock_item_id,
        sku=variant.sku,
        name=f"{variant.product.name} {variant.name}".strip(),
        unit_price=variant.price,
        quantity=view.line.quantity,
    )


def lock_order(*, order_id: int) -> Order:
    """Return the order, its row locked until the transaction ends."""
    order = Order.objects.select_for_update().get(pk=order_id)
    tracing.describe(order=order.number)
    return order


@transaction.atomic
def order_pay(*, order_id: int) -> Order:
    """Make a pending order paid: its reserved units are sold. Raises: TransitionNotAllowed."""
    order = lock_order(order_id=order_id)
    ensure_transition_allowed(order.state, OrderState.PAID)
    stock.stock_sell(units=order.units())
    order.state, order.paid_at = OrderState.PAID, timezone.now()
    order.save(update_fields=["state", "paid_at"])
    _record_event(order, "order.paid")
    return order


@transaction.atomic
def order_cancel(*, order_id: int) -> Order:
    """Cancel a pending order and release its stock. Raises: TransitionNotAllowed."""
    return _close_order(lock_order(order_id=order_id), OrderState.CANCELLED, "order.cancelled")


@transaction.atomic
def order_fulfil(*, order_id: int) -> Order:
    """Mark a paid order as handed over. Raises: TransitionNotAllowed."""
    order = lock_order(order_id=order_id)
    ensure_transition_allowed(order.state, OrderState.FULFILLED)
    order.state = OrderState.FULFILLED
    order.save(update_fields=["state"])
    _record_event(order, "order.fulfilled")
    return order


@transaction.atomic
def order_mark_refunded(*, order_id: int) -> Order:
    """Mark a paid order as refunded; goods that never left return to stock. Raises: TransitionNotAllowed."""
    order = lock_order(order_id=order_id)
    ensure_transition_allowed(order.state, OrderState.REFUNDED)
    if order.state == OrderState.PAID:
        stock.stock_return(units=order.units())
        order.restocked = True
    order.state, order.closed_at = OrderState.REFUNDED, timezone.now()
    order.save(update_fields=["state", "restocked", "closed_at"])
    _record_event(order, "order.refunded")
    return order


def orders_expire(*, now: datetime | None = None) -> int:
    """Expire pending orders whose reservation ended, each in its own transaction; return how many."""
    now = now or timezone.now()
    _end_reservations_in_time(now)
    due = Order.objects.filter(state=OrderState.PENDING_PAYMENT, expires_at__lte=now)
    return run_due(_expire_order, due, now=now)


def _end_reservations_in_time(now: datetime) -> None:
    """Let the reservations that were made before the clock was set back last no longer than any other."""
    latest = now + timedelta(seconds=settings.RESERVATION_S)
    pending = Order.objects.filter(state=OrderState.PENDING_PAYMENT, expires_at__gt=latest)
    pending.filter(created_at__gt=now).update(expires_at=latest)


@tracing.recorded("expire an order")
@transaction.atomic
def _expire_order(due: Order) -> int:
    order = lock_order(order_id=due.pk)
    if order.state != OrderState.PENDING_PAYMENT:  # paid or cancelled since the list was read
        return 0
    _close_order(order, OrderState.EXPIRED, "order.expired")
    return 1


def _close_order(order: Order, state: OrderState, event: str) -> Order:
    ensure_transition_allowed(order.state, state)
    stock.stock_release(units=order.units())
    order.state, order.closed_at = state, timezone.now()
    order.save(update_fields=["state", "closed_at"])
    _record_event(order, event)
    return order


def _record_event(order: Order, type: str) -> None:
    payload = {
        "number": order.number,
        "state": str(order.state),
        "total": f"{order.total:.2f}",
        "currency": order.currency,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in order.lines.all()],
    }
    event_record(type=type, aggregate=f"order:{order.number}", payload=payload)
