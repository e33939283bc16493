"""Reads of orders; a buyer sees their own alone."""

from __future__ import annotations

from django.db.models import QuerySet

from carts.access import Buyer
from core.cursors import Order as Sorting
from core.cursors import Page, get_page
from core.problems import NotFound
from orders.models import Order


def orders_of(*, buyer: Buyer) -> QuerySet[Order]:
    """Return the buyer's own orders."""
    if buyer.user:
        return Order.objects.filter(user=buyer.user)
    return (
        Order.objects.filter(user=None, token_digest=buyer.token_digest)
        if buyer.token_digest
        else Order.objects.none()
    )


def order_get(*, buyer: Buyer, number: str) -> Order:
    """Return one of the buyer's own orders. Raises: NotFound, also for the order of another buyer."""
    order = (
        orders_of(buyer=buyer).prefetch_related("lines", "payments__refunds").filter(number=number).first()
    )
    if order is None:
        raise NotFound(f"You have no order {number}.")
    return order


def order_page(*, buyer: Buyer, limit: int, cursor: str | None) -> Page[Order]:
    """Return the buyer's own orders, newest first. Raises: BadCursor."""
    rows = orders_of(buyer=buyer).prefetch_related("lines", "payments__refunds")
    return get_page(
        rows, order=Sorting(field="id", descending=True), name="orders", limit=limit, cursor=cursor
    )
