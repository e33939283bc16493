"""What providers report by webhook."""

from __future__ import annotations

from django.db import transaction

from core.problems import Conflict, NotFound, Unprocessable
from orders.services import lock_order
from payments.models import Payment, PaymentState, Refund, WebhookEvent
from payments.protocol import Message
from payments.providers import get_provider
from payments.refunds import close_if_all_goes_back, refund_start, refund_succeed
from payments.services import payment_settle, refund_send


class PaymentNotSucceeded(Conflict):
    """A part goes back of a payment whose success was not reported yet; the provider may send it again."""

    kind = "payment-state"


def webhook_receive(*, provider: str, body: bytes, signature: str) -> bool:
    """Process a provider's webhook; return False for one that was processed before.

    Raises: BadSignature, BadMessage, NotFound, Unprocessable when the amount is not the payment's,
    PaymentNotSucceeded, RefundTooLarge.
    """
    message = get_provider(provider).parse_webhook(body=body, signature=signature)
    if WebhookEvent.objects.filter(provider=provider, event_id=message.event_id).exists():
        return False
    payment = Payment.objects.filter(provider=provider, reference=message.reference).first()
    if payment is None:
        raise NotFound("There is no payment with this reference.")
    is_part = message.outcome.state == "refunded" and message.amount != payment.amount
    if message.currency != payment.currency or (message.amount != payment.amount and not is_part):
        raise Unprocessable("The amount is not that of the payment.")
    if is_part:
        _settle_part(payment, message)
    else:
        payment_settle(reference=message.reference, outcome=message.outcome)
    return _store_message(provider, message)


def _settle_part(payment: Payment, message: Message) -> None:
    payment = _record_part(payment, message)
    if payment.state == PaymentState.REFUNDING:
        refund_send(payment=payment)


@transaction.atomic
def _record_part(row: Payment, message: Message) -> Payment:
    lock_order(order_id=row.order_id)
    payment = Payment.objects.select_for_update().get(pk=row.pk)
    refund = Refund.objects.filter(reference=message.refund_reference).first()
    if refund is None:
        refund = _start_part(payment, message)
    elif (refund.payment_id, refund.amount) != (payment.pk, message.amount):
        raise Unprocessable("The refund is another one, or has another amount.")
    refund_succeed(refund=refund)
    return payment


def _start_part(payment: Payment, message: Message) -> Refund:
    if payment.state != PaymentState.SUCCEEDED:
        raise PaymentNotSucceeded(f"A payment that is {payment.state} cannot be refunded in part.")
    refund = refund_start(
        payment=payment, amount=message.amount, reason="provider", reference=message.refund_reference
    )
    close_if_all_goes_back(payment=payment, reason="provider")
    return refund


def _store_message(provider: str, message: Message) -> bool:
    # Stored after it took effect: after a crash in between, the provider's repetition changes nothing more.
    return WebhookEvent.objects.get_or_create(
        provider=provider,
        event_id=message.event_id,
        defaults={"type": message.type, "reference": message.reference},
    )[1]
