"""Payments: charging, settling, refunding.

Each step commits before the next begins, so that after a crash between any two of them the worker can finish:
a payment that was started, a charge without its outcome, a refund that was not sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from config import tracing
from core.problems import Conflict, NotFound
from core.rounds import run_due
from events.services import event_record
from orders.models import Order, OrderState
from orders.services import lock_order, order_mark_refunded, order_pay
from orders.transitions import TransitionNotAllowed, ensure_transition_allowed
from payments.models import OPEN, Payment, PaymentState, Refund, RefundState
from payments.protocol import Outcome, ProviderTimeout
from payments.providers import get_provider
from payments.refunds import (
    close_if_all_goes_back,
    refund_rest,
    refund_start,
    refund_succeed,
    refunds_complete,
)

STALE_AFTER = timedelta(seconds=3)
NEVER_CHARGED_AFTER = timedelta(seconds=60)
PAUSES_OF_A_MINUTE = 6
"""After 1 + 2 + ... + 32 s a minute is over, whatever became of the clock meanwhile."""


class PaymentOpen(Conflict):
    """Another payment of this order has not been decided yet."""

    kind = "payment-open"


class ReservationOver(Conflict):
    """The order's reservation ended."""

    kind = "reservation-expired"


def payment_make(*, order_id: int, card: str, request_key: str) -> Payment:
    """Charge a card for an order and return the payment, as far as its outcome is known.

    Raises: TransitionNotAllowed, ReservationOver, PaymentOpen.
    """
    get_provider(settings.PAYMENT_PROVIDER)
    payment = _start_payment(order_id, card, request_key)
    if payment.state not in OPEN:
        return payment
    tracing.describe(provider=payment.provider)
    try:
        outcome = get_provider(payment.provider).charge(
            reference=payment.reference, amount=payment.amount, currency=payment.currency, card=card
        )
    except ProviderTimeout:
        outcome = Outcome(state="pending", reason="no-answer")
    return payment_settle(reference=payment.reference, outcome=outcome)


@transaction.atomic
def _start_payment(order_id: int, card: str, request_key: str) -> Payment:
    order = lock_order(order_id=order_id)
    earlier = Payment.objects.filter(order=order, request_key=request_key).first()
    if earlier:  # its request did not complete: continue under the same reference
        return earlier
    ensure_transition_allowed(order.state, OrderState.PAID)
    if order.expires_at <= timezone.now():
        raise ReservationOver("The reservation of this order ended: order again.")
    if Payment.objects.filter(order=order, state__in=OPEN).exists():
        raise PaymentOpen("A payment of this order has not been decided yet.")
    return Payment.objects.create(
        order=order,
        provider=settings.PAYMENT_PROVIDER,
        request_key=request_key,
        amount=order.total,
        currency=order.currency,
        card_last4=card[-4:],
    )


def payment_settle(*, reference: str, outcome: Outcome) -> Payment:
    """Record the outcome that a provider reports; a repeated or overtaken report changes nothing more.

    A success that comes too late, or for an order that is paid already, is refunded. Raises: NotFound.
    """
    payment = _settle_payment(reference, outcome)
    if payment.state == PaymentState.REFUNDING:
        return refund_send(payment=payment)
    return payment


@transaction.atomic
def _settle_payment(reference: str, outcome: Outcome) -> Payment:
    row = Payment.objects.filter(reference=reference).only("order_id").first()
    if row is None:
        raise NotFound("There is no payment with this reference.")
    order = lock_order(order_id=row.order_id)
    payment = Payment.objects.select_for_update().get(pk=row.pk)
    state = next_state(payment.state, outcome.state, order.state)
    if state == payment.state:
        return payment
    payment.state, payment.reason = state, outcome.reason
    payment.save(update_fields=["state", "reason", "updated_at"])
    if state == PaymentState.SUCCEEDED:
        order_pay(order_id=order.pk)
    if state == PaymentState.REFUNDING:
        refund_rest(payment=payment, reason="too late")
    if state == PaymentState.REFUNDED:
        refunds_complete(payment=payment)
        if order.state in (OrderState.PAID, OrderState.FULFILLED) and not _has_other_success(payment):
            order_mark_refunded(order_id=order.pk)
    _record_event(payment, order)
    return payment


def _has_other_success(payment: Payment) -> bool:
    return Payment.objects.filter(order=payment.order_id, state=PaymentState.SUCCEEDED).exists()


def next_state(payment: str, outcome: str, order: str) -> PaymentState:
    """Return the next state of a payment whose provider reports `outcome` while its order is `order`."""
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
    """Ask the provider for the pending refunds; where it does not answer, the worker asks again."""
    tracing.describe(provider=payment.provider)
    provider = get_provider(payment.provider)
    for refund in payment.refunds.filter(state=RefundState.PENDING):
        try:
            provider.refund(
                reference=payment.reference, refund_reference=refund.reference, amount=refund.amount
            )
        except ProviderTimeout:
            return payment
        if payment.state != PaymentState.REFUNDING:
            _settle_refund(refund.pk)
    if payment.state == PaymentState.REFUNDING:
        return payment_settle(reference=payment.reference, outcome=Outcome(state="refunded"))
    return payment


@transaction.atomic
def _settle_refund(refund_id: int) -> None:
    order_id = Refund.objects.values_list("payment__order_id", flat=True).get(pk=refund_id)
    lock_order(order_id=order_id)
    refund_succeed(refund=Refund.objects.select_related("payment__order").get(pk=refund_id))


def order_refund(*, order_id: int, by_customer: bool, amount: Decimal | None = None) -> Order:
    """Refund a paid order, or a part of its amount; only a full refund changes the order's state.

    Raises: TransitionNotAllowed, for a customer also once it is fulfilled; RefundTooLarge.
    """
    payment = refund_decide(order_id=order_id, by_customer=by_customer, amount=amount)
    refund_send(payment=payment)
    return Order.objects.get(pk=order_id)


@transaction.atomic
def refund_decide(
    *, order_id: int, by_customer: bool, amount: Decimal | None = None, reference: str = ""
) -> Payment:
    """Store a refund that `refund_send` sends once this is committed; return its payment.

    Raises: as `order_refund`, and RefundRecorded.
    """
    order = lock_order(order_id=order_id)
    ensure_transition_allowed(order.state, OrderState.REFUNDED)
    if by_customer and order.state == OrderState.FULFILLED:
        raise TransitionNotAllowed(
            "This order is fulfilled: contact our staff for a refund.",
            state=str(order.state),
        )
    payment = Payment.objects.select_for_update().get(order=order, state=PaymentState.SUCCEEDED)
    reason = "customer" if by_customer else "staff"
    if amount is None:
        refund_rest(payment=payment, reason=reason)
    else:
        refund_start(payment=payment, amount=amount, reason=reason, reference=reference)
    close_if_all_goes_back(payment=payment, reason=reason)
    return payment


def payments_reconcile() -> int:
    """Ask providers about open payments, and for refunds again; return how many payments changed."""
    stale = Payment.objects.filter(_is_stale(timezone.now())).order_by("id")
    pending = Refund.objects.filter(_is_stale(timezone.now()), state=RefundState.PENDING)
    unsent = Payment.objects.filter(pk__in=pending.values("payment")).order_by("id")
    undecided = stale.filter(state__in=(*OPEN, PaymentState.REFUNDING))
    return run_due(_reconcile_payment, undecided) + run_due(_reconcile_payment, unsent)


def _is_stale(now: datetime) -> Q:
    """Return the condition of rows that nobody touched for a while, or before the clock was set back."""
    return Q(updated_at__lt=now - STALE_AFTER) | Q(updated_at__gt=now + STALE_AFTER)


@tracing.recorded("reconcile a payment")
def _reconcile_payment(payment: Payment) -> int:
    if payment.state not in OPEN:
        refund_send(payment=payment)
        return int(not payment.refunds.filter(state=RefundState.PENDING).exists())
    outcome = get_provider(payment.provider).lookup(reference=payment.reference)
    if outcome is None:
        is_old = payment.created_at < timezone.now() - NEVER_CHARGED_AFTER
        if not is_old and payment.attempts < PAUSES_OF_A_MINUTE:
            return 0
        outcome = Outcome(state="declined", reason="never-charged")
    return int(payment_settle(reference=payment.reference, outcome=outcome).state != payment.state)


def _record_event(payment: Payment, order: Order) -> None:
    payload = {
        "reference": payment.reference,
        "order": order.number,
        "state": str(payment.state),
        "amount": f"{payment.amount:.2f}",
        "currency": payment.currency,
    }
    event_record(type=f"payment.{payment.state}", aggregate=f"order:{order.number}", payload=payload)
