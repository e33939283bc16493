"""Refunds: rows of their own, so that a payment can go back in parts.

Every function runs in the transaction of its caller, who holds the lock of the order's row.
"""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Sum

from core.problems import Conflict, Unprocessable
from events.services import event_record
from orders.services import order_mark_refunded
from payments.models import Payment, PaymentState, Refund, RefundState, refund_reference


class RefundTooLarge(Unprocessable):
    """More would go back than is left of the payment."""

    kind = "refund-too-large"


class RefundRecorded(Conflict):
    """The refund of this name is stored already: it was sent twice."""

    kind = "refund-recorded"


def refundable_amount(*, payment: Payment) -> Decimal:
    """Return what is left of a payment after its refunds, those under way included."""
    refunded = payment.refunds.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    return payment.amount - refunded


def refund_start(*, payment: Payment, amount: Decimal, reason: str, reference: str = "") -> Refund:
    """Store a pending refund of a part of a payment. Raises: RefundTooLarge, RefundRecorded."""
    if Refund.objects.filter(reference=reference).exists():
        raise RefundRecorded("This refund is recorded already.")
    left = refundable_amount(payment=payment)
    if not 0 < amount <= left:
        raise RefundTooLarge(f"A refund must be more than 0.00 and at most {left:.2f}.")
    return Refund.objects.create(
        payment=payment, amount=amount, reason=reason, reference=reference or refund_reference()
    )


def refund_rest(*, payment: Payment, reason: str) -> None:
    """Store a pending refund of what is left of a payment; of one over 0.00 there is nothing to send back."""
    if left := refundable_amount(payment=payment):
        refund_start(payment=payment, amount=left, reason=reason)


def close_if_all_goes_back(*, payment: Payment, reason: str) -> None:
    """Mark the payment and its order once the refunds leave nothing of it; `refund_send` does the rest."""
    if refundable_amount(payment=payment) == 0:
        payment.state, payment.reason = PaymentState.REFUNDING, reason
        payment.save(update_fields=["state", "reason", "updated_at"])
        order_mark_refunded(order_id=payment.order_id)


def refund_succeed(*, refund: Refund) -> None:
    """Record that a provider sent a refund; a repeated report changes nothing."""
    if refund.state == RefundState.SUCCEEDED:
        return
    refund.state = RefundState.SUCCEEDED
    refund.save(update_fields=["state", "updated_at"])
    payment = refund.payment
    payload = {
        "reference": refund.reference,
        "payment": payment.reference,
        "order": payment.order.number,
        "amount": f"{refund.amount:.2f}",
        "currency": payment.currency,
        "reason": refund.reason,
    }
    event_record(type="refund.succeeded", aggregate=f"order:{payment.order.number}", payload=payload)


def refunds_complete(*, payment: Payment) -> None:
    """Record that all of a payment went back: by pending refunds, and the rest by the provider itself."""
    refund_rest(payment=payment, reason="provider")
    for refund in payment.refunds.filter(state=RefundState.PENDING).select_related("payment__order"):
        refund_succeed(refund=refund)
