"""Carts as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Schema
from pydantic import BeforeValidator, Field, StringConstraints

from carts.selectors import CartView
from core.schemas import MoneyOut, Strict

Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


def require_number(value: Any) -> Any:
    """Return a number unchanged. Raises: ValueError for "2" and true; JSON's 2.0 is a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Input should be a number")
    return value


class LineIn(Strict):
    """Units to add."""

    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=99), BeforeValidator(require_number)] = 1


class QuantityIn(Strict):
    """The units of a line; 0 removes it."""

    quantity: Annotated[int, Field(ge=0, le=99), BeforeValidator(require_number)]


class CartLineOut(Schema):
    """One line; `notice` is `sold-out`, `not-enough` or `no-longer-sold` where it cannot be bought."""

    sku: str
    product: str
    name: str
    quantity: int
    unit_price: MoneyOut
    total: MoneyOut
    notice: str


class CartOut(Schema):
    """A cart. `token` is shown once, when the cart is made; `total` leaves out lines with a notice."""

    token: str | None = None
    lines: list[CartLineOut]
    total: MoneyOut


def cart_out(view: CartView, token: str | None = None) -> dict[str, Any]:
    """Return the members of `CartOut`."""
    return {
        "token": token,
        "lines": [_line_out(one, view.currency) for one in view.lines],
        "total": {"amount": view.total, "currency": view.currency},
    }


def _line_out(view: Any, currency: str) -> dict[str, Any]:
    variant = view.line.variant
    return {
        "sku": variant.sku,
        "product": variant.product.slug,
        "name": variant.product.name,
        "quantity": view.line.quantity,
        "unit_price": {"amount": variant.price, "currency": currency},
        "total": {"amount": view.total, "currency": currency},
        "notice": view.notice,
    }
