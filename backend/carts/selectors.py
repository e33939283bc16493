"""Reads of carts: current prices, totals, and which lines are not available."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from carts.models import Cart, CartLine
from catalog.models import Product


@dataclass(frozen=True, kw_only=True)
class LineView:
    """One line with its current price. `notice` says why it is not available, empty if it is."""

    line: CartLine
    notice: str

    @property
    def total(self) -> Decimal:
        """Return the price of all its units."""
        return self.line.variant.price * self.line.quantity


@dataclass(frozen=True, kw_only=True)
class CartView:
    """A cart's lines; `total` counts only available lines."""

    lines: list[LineView]

    @property
    def total(self) -> Decimal:
        """Return the total of the available lines."""
        return sum((view.total for view in self.lines if not view.notice), Decimal("0.00"))

    @property
    def currency(self) -> str:
        """Return the currency of all amounts."""
        return settings.SHOP_CURRENCY


def cart_view(*, cart: Cart) -> CartView:
    """Return the cart with its prices and notices, in one query."""
    lines = list(cart.lines.select_related("variant__product", "variant__stock_item").order_by("id"))
    wanted: dict[int, int] = defaultdict(int)
    for line in lines:
        wanted[line.variant.stock_item_id] += line.quantity
    return CartView(lines=[LineView(line=line, notice=_notice(line, wanted)) for line in lines])


def _notice(line: CartLine, wanted: dict[int, int]) -> str:
    product = line.variant.product
    if product.state != Product.State.PUBLISHED or product.currency != settings.SHOP_CURRENCY:
        return "no-longer-sold"
    available = line.variant.stock_item.available
    if available <= 0:
        return "sold-out"
    # Lines that draw on the same stock count together.
    return "not-enough" if wanted[line.variant.stock_item_id] > available else ""
