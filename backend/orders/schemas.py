"""Orders as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, StringConstraints

from accounts.schemas import Email
from core.schemas import MoneyOut, PageSize, Strict

OrderNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{16}$")]


class CheckoutIn(Strict):
    """The email address for order updates; by default the customer's own."""

    email: Email | None = None


class OrderQuery(Schema):
    """Pages of orders."""

    model_config = ConfigDict(extra="forbid")

    limit: PageSize = 20
    cursor: Annotated[str, StringConstraints(max_length=1000)] | None = None


class OrderLineOut(Schema):
    """A line at the price at checkout."""

    sku: str
    name: str
    quantity: int
    unit_price: MoneyOut
    total: MoneyOut


class PaymentOut(Schema):
    """One attempt to pay."""

    reference: str
    state: str
    amount: MoneyOut
    reason: str
    created_at: datetime


class RefundOut(Schema):
    """Money that went back, or is about to."""

    reference: str
    state: str
    amount: MoneyOut
    created_at: datetime


class OrderOut(Schema):
    """An order. Its stock is reserved until `expires_at` while it is pending_payment."""

    number: str
    state: str
    email: str
    total: MoneyOut
    lines: list[OrderLineOut]
    payments: list[PaymentOut]
    refunds: list[RefundOut]
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None


class OrderPageOut(Schema):
    """Some orders; `next` is the cursor of those that follow, null at the end."""

    items: list[OrderOut]
    next: str | None


def order_out(order: Any) -> dict[str, Any]:
    """Return the members of `OrderOut`."""
    plain = ("number", "state", "email", "created_at", "expires_at", "paid_at")
    return {
        **{name: getattr(order, name) for name in plain},
        "total": {"amount": order.total, "currency": order.currency},
        "lines": [_line_out(line, order.currency) for line in order.lines.all()],
        "payments": [payment_out(payment) for payment in order.payments.all()],
        "refunds": [
            _refund_out(refund, payment.currency)
            for payment in order.payments.all()
            for refund in payment.refunds.all()
        ],
    }


def payment_out(payment: Any) -> dict[str, Any]:
    """Return the members of `PaymentOut`."""
    plain = ("reference", "state", "reason", "created_at")
    return {
        **{name: getattr(payment, name) for name in plain},
        "amount": {"amount": payment.amount, "currency": payment.currency},
    }


def _refund_out(refund: Any, currency: str) -> dict[str, Any]:
    plain = ("reference", "state", "created_at")
    return {
        **{name: getattr(refund, name) for name in plain},
        "amount": {"amount": refund.amount, "currency": currency},
    }


def _line_out(line: Any, currency: str) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": {"amount": line.unit_price, "currency": currency},
        "total": {"amount": line.unit_price * line.quantity, "currency": currency},
    }
