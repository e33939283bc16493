"""What happens to orders. Every function locks the order's row first, and only then touches stock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from carts.access import Buyer, cart_of
from carts.models import Cart
from carts.selectors import LineView, cart_view
from catalog import stock
from core.problems import Conflict, NotFound, Problem
from core.rounds import each
from events.services import event_record
from orders.models import Order, OrderLine, OrderState
from orders.transitions import demand


class CartEmpty(Conflict):
    """There is nothing to buy."""

    kind = "cart-empty"


class LinesUnavailable(Conflict):
    """Some lines cannot be bought any more."""

    kind = "out-of-stock"


class EmailMissing(Problem):
    """Whoever buys without an account says where to write."""

    status, kind = 422, "validation"


@transaction.atomic
def order_place(*, buyer: Buyer, email: str) -> Order:
    """Turns the buyer's cart into an order whose stock is reserved, and empties the cart.

    Raises: CartEmpty, LinesUnavailable, EmailMissing, NotFound.
    """
    cart = _locked_cart(buyer)
    lines = cart_view(cart=cart).lines
    if not lines:
        raise CartEmpty("The cart is empty.")
    _refuse([view for view in lines if view.notice])
    address = email or (buyer.user.email if buyer.user else "")
    if not address:
        errors = [{"location": ["body", "email"], "message": "Required without an account"}]
        raise EmailMissing("Say where the order's messages go.", errors=errors)
    order = _order_stored(buyer, lines, address)
    try:
        stock.stock_reserve(units=order.units())
    except stock.OutOfStock as gone:
        short = [view for view in lines if view.line.variant.stock_item_id == gone.item_id]
        _refuse(short)
    cart.lines.all().delete()
    _tell(order, "order.placed")
    return order


def _locked_cart(buyer: Buyer) -> Cart:
    cart = cart_of(buyer)
    locked = Cart.objects.select_for_update().filter(pk=cart.pk).first() if cart else None
    if locked is None:
        raise NotFound("There is no cart: add something first, or send its token as X-Cart-Token.")
    return locked


def _refuse(views: list[LineView]) -> None:
    if views:
        errors = [
            {"location": ["cart", view.line.variant.sku], "message": view.notice or "not-enough"}
            for view in views
        ]
        raise LinesUnavailable("Some lines cannot be bought any more.", errors=errors)


def _order_stored(buyer: Buyer, lines: list[LineView], email: str) -> Order:
    order = Order.objects.create(
        user=buyer.user,
        token_digest="" if buyer.user else buyer.token_digest,
        email=email,
        total=sum(view.total for view in lines),
        currency=settings.SHOP_CURRENCY,
        expires_at=timezone.now() + timedelta(seconds=settings.RESERVATION_S),
    )
    OrderLine.objects.bulk_create(_line_copied(order, view) for view in lines)
    return order


def _line_copied(order: Order, view: LineView) -> OrderLine:
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


def order_locked(*, order_id: int) -> Order:
    """Answers the order, its row locked until the transaction ends."""
    return Order.objects.select_for_update().get(pk=order_id)


@transaction.atomic
def order_pay(*, order_id: int) -> Order:
    """Makes a pending order paid: its reserved units are sold. Raises: NotAllowed."""
    order = order_locked(order_id=order_id)
    demand(order.state, OrderState.PAID)
    stock.stock_sell(units=order.units())
    order.state, order.paid_at = OrderState.PAID, timezone.now()
    order.save(update_fields=["state", "paid_at"])
    _tell(order, "order.paid")
    return order


@transaction.atomic
def order_cancel(*, order_id: int) -> Order:
    """Cancels a pending order and releases its stock. Raises: NotAllowed."""
    return _closed(order_locked(order_id=order_id), OrderState.CANCELLED, "order.cancelled")


@transaction.atomic
def order_fulfil(*, order_id: int) -> Order:
    """Says that a paid order was handed over. Raises: NotAllowed."""
    order = order_locked(order_id=order_id)
    demand(order.state, OrderState.FULFILLED)
    order.state = OrderState.FULFILLED
    order.save(update_fields=["state"])
    _tell(order, "order.fulfilled")
    return order


@transaction.atomic
def order_mark_refunded(*, order_id: int) -> Order:
    """Makes a paid order refunded; goods that never left go back on the shelf. Raises: NotAllowed."""
    order = order_locked(order_id=order_id)
    demand(order.state, OrderState.REFUNDED)
    if order.state == OrderState.PAID:
        stock.stock_return(units=order.units())
        order.restocked = True
    order.state, order.closed_at = OrderState.REFUNDED, timezone.now()
    order.save(update_fields=["state", "restocked", "closed_at"])
    _tell(order, "order.refunded")
    return order


def orders_expire(*, now: datetime | None = None) -> int:
    """Expires every pending order whose time is over, each in a transaction of its own; answers how many."""
    now = now or timezone.now()
    due = Order.objects.filter(state=OrderState.PENDING_PAYMENT, expires_at__lte=now)
    return each(_expired, due.order_by("id").values_list("id", flat=True)[:1000])


@transaction.atomic
def _expired(order_id: int) -> int:
    order = order_locked(order_id=order_id)
    if order.state != OrderState.PENDING_PAYMENT:  # paid or cancelled since the list was read
        return 0
    _closed(order, OrderState.EXPIRED, "order.expired")
    return 1


def _closed(order: Order, state: OrderState, event: str) -> Order:
    demand(order.state, state)
    stock.stock_release(units=order.units())
    order.state, order.closed_at = state, timezone.now()
    order.save(update_fields=["state", "closed_at"])
    _tell(order, event)
    return order


def _tell(order: Order, type: str) -> None:
    payload = {
        "number": order.number,
        "state": str(order.state),
        "total": f"{order.total:.2f}",
        "currency": order.currency,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in order.lines.all()],
    }
    event_record(type=type, aggregate=f"order:{order.number}", payload=payload)
