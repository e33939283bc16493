"""Paying, learning how it went, and giving money back.

Each step commits before the next begins, so that a crash between any two of them leaves something that the
worker can finish: a payment that was started, a charge that was not told, a refund that was not sent.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

from django.db import transaction
from django.utils import timezone

from core.problems import Conflict, NotFound, Unprocessable
from core.rounds import each
from events.services import event_record
from orders.models import Order, OrderState
from orders.services import order_locked, order_mark_refunded, order_pay
from orders.transitions import NotAllowed, demand
from payments.models import OPEN, Payment, PaymentState, WebhookEvent
from payments.providers import Message, Outcome, ProviderTimeout, provider_named

PROVIDER = "sandbox"
SILENT_AFTER = timedelta(seconds=3)
NEVER_CHARGED_AFTER = timedelta(seconds=60)


class PaymentOpen(Conflict):
    """Another payment of this order has not been decided yet."""

    kind = "payment-open"


class ReservationOver(Conflict):
    """The time to pay is over."""

    kind = "reservation-expired"


def payment_make(*, order_id: int, card: str, request_key: str) -> Payment:
    """Charges a card for an order and answers what came of it, as far as it is known.

    Raises: NotAllowed, ReservationOver, PaymentOpen.
    """
    payment = _started(order_id, card, request_key)
    if payment.state not in OPEN:
        return payment
    try:
        outcome = provider_named(payment.provider).charge(
            reference=payment.reference, amount=payment.amount, currency=payment.currency, card=card
        )
    except ProviderTimeout:
        outcome = Outcome(state="pending", reason="no-answer")
    return payment_settle(reference=payment.reference, outcome=outcome)


@transaction.atomic
def _started(order_id: int, card: str, request_key: str) -> Payment:
    order = order_locked(order_id=order_id)
    again = Payment.objects.filter(order=order, request_key=request_key).first()
    if again:  # the first request died on its way: go on where it stopped, under the same reference
        return again
    demand(order.state, OrderState.PAID)
    if order.expires_at <= timezone.now():
        raise ReservationOver("The time to pay this order is over.")
    if Payment.objects.filter(order=order, state__in=OPEN).exists():
        raise PaymentOpen("A payment of this order has not been decided yet.")
    return Payment.objects.create(
        order=order,
        provider=PROVIDER,
        request_key=request_key,
        amount=order.total,
        currency=order.currency,
        card_last4=card[-4:],
    )


def payment_settle(*, reference: str, outcome: Outcome) -> Payment:
    """Writes down what a provider says; saying it again, or out of order, changes nothing more.

    A success that comes too late, or for an order that is paid already, is sent back. Raises: NotFound.
    """
    payment = _settled(reference, outcome)
    if payment.state == PaymentState.REFUNDING:
        return refund_send(payment=payment)
    return payment


@transaction.atomic
def _settled(reference: str, outcome: Outcome) -> Payment:
    known = Payment.objects.filter(reference=reference).only("order_id").first()
    if known is None:
        raise NotFound("There is no payment with this reference.")
    order = order_locked(order_id=known.order_id)
    payment = Payment.objects.select_for_update().get(pk=known.pk)
    state = next_state(payment.state, outcome.state, order.state)
    if state == payment.state:
        return payment
    payment.state, payment.reason = state, outcome.reason
    payment.save(update_fields=["state", "reason", "updated_at"])
    if state == PaymentState.SUCCEEDED:
        order_pay(order_id=order.pk)
    if state == PaymentState.REFUNDED and order.state == OrderState.PAID and not _paid_otherwise(payment):
        order_mark_refunded(order_id=order.pk)
    _tell(payment, order)
    return payment


def _paid_otherwise(payment: Payment) -> bool:
    return Payment.objects.filter(order=payment.order_id, state=PaymentState.SUCCEEDED).exists()


def next_state(payment: str, outcome: str, order: str) -> PaymentState:
    """Answers what a payment becomes when its provider says `outcome` while its order is `order`."""
    if payment == PaymentState.REFUNDED or (outcome != "refunded" and payment == PaymentState.REFUNDING):
        return PaymentState(payment)
    if outcome == "refunded":
        return PaymentState.REFUNDED
    if outcome == "succeeded" and payment != PaymentState.SUCCEEDED:
        in_time = payment in OPEN and order == OrderState.PENDING_PAYMENT
        return PaymentState.SUCCEEDED if in_time else PaymentState.REFUNDING
    if payment in OPEN and outcome in {"pending", "declined"}:
        return PaymentState(outcome)
    return PaymentState(payment)


def refund_send(*, payment: Payment) -> Payment:
    """Asks the provider to send the money back; if it does not answer, the worker asks again."""
    try:
        outcome = provider_named(payment.provider).refund(reference=payment.reference)
    except ProviderTimeout:
        return payment
    return payment_settle(reference=payment.reference, outcome=outcome)


def order_refund(*, order_id: int, by_customer: bool) -> Order:
    """Gives a paid order's money back. Raises: NotAllowed; for a customer also once it was handed over."""
    payment = _refund_decided(order_id, by_customer)
    refund_send(payment=payment)
    return Order.objects.get(pk=order_id)


@transaction.atomic
def _refund_decided(order_id: int, by_customer: bool) -> Payment:
    order = order_locked(order_id=order_id)
    demand(order.state, OrderState.REFUNDED)
    if by_customer and order.state == OrderState.FULFILLED:
        raise NotAllowed("This order was handed over: ask our staff.", state=str(order.state))
    payment = Payment.objects.select_for_update().get(order=order, state=PaymentState.SUCCEEDED)
    payment.state, payment.reason = PaymentState.REFUNDING, "customer" if by_customer else "staff"
    payment.save(update_fields=["state", "reason", "updated_at"])
    order_mark_refunded(order_id=order.pk)
    return payment


def webhook_receive(*, provider: str, body: bytes, signature: str) -> bool:
    """Works on a provider's message; answers False for one that was worked on before.

    Raises: BadSignature, BadMessage, NotFound, Unprocessable when the amount is not the payment's.
    """
    message = provider_named(provider).message_of(body=body, signature=signature)
    if WebhookEvent.objects.filter(provider=provider, event_id=message.event_id).exists():
        return False
    payment = Payment.objects.filter(provider=provider, reference=message.reference).first()
    if payment is None:
        raise NotFound("There is no payment with this reference.")
    if (message.amount, message.currency) != (payment.amount, payment.currency):
        raise Unprocessable("The amount is not that of the payment.")
    payment_settle(reference=message.reference, outcome=message.outcome)
    return _message_kept(provider, message)


def _message_kept(provider: str, message: Message) -> bool:
    # Kept after it took effect: if we die in between, the provider's repetition does it again, harmlessly.
    return WebhookEvent.objects.get_or_create(
        provider=provider,
        event_id=message.event_id,
        defaults={"type": message.type, "reference": message.reference},
    )[1]


def payments_reconcile() -> int:
    """Asks providers about payments that nobody heard of, and sends refunds again; answers how many moved."""
    silent = Payment.objects.filter(updated_at__lt=timezone.now() - SILENT_AFTER).order_by("id")
    unsent = silent.filter(state=PaymentState.REFUNDING)
    return each(_reconciled, chain(silent.filter(state__in=OPEN)[:200], unsent[:200]))


def _reconciled(payment: Payment) -> int:
    if payment.state == PaymentState.REFUNDING:
        return int(refund_send(payment=payment).state == PaymentState.REFUNDED)
    outcome = provider_named(payment.provider).lookup(reference=payment.reference)
    if outcome is None and payment.created_at < timezone.now() - NEVER_CHARGED_AFTER:
        outcome = Outcome(state="declined", reason="never-charged")
    if outcome is None:
        return 0
    return int(payment_settle(reference=payment.reference, outcome=outcome).state != payment.state)


def _tell(payment: Payment, order: Order) -> None:
    payload = {
        "reference": payment.reference,
        "order": order.number,
        "state": str(payment.state),
        "amount": f"{payment.amount:.2f}",
        "currency": payment.currency,
    }
    event_record(type=f"payment.{payment.state}", aggregate=f"order:{order.number}", payload=payload)
